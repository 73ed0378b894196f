# Every test speaks TAP, so that automake counts cases and not programs.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .py .sh
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = python3
AM_TESTS_ENVIRONMENT = \
	PENSTOCK='$(abs_top_builddir)/penstock'; export PENSTOCK; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE;

# who may include whom
EXTRA_DIST += tests/layers.py
TESTS += tests/layers.py

# Whatever is not the program itself is a unit test (or a fuzz target): each is one source file of the same name, listed in
# the local.mk of its folder, and links the library and the main() of tests/unit/unit.c.
LDADD = tests/unit/libunit.a $(penstock_LDADD) $(CHECK_LIBS)
check_LIBRARIES =
unit_tests =
if HAVE_CHECK
check_LIBRARIES += tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = tests/unit/unit.c tests/unit/unit.h
include tests/unit/base/local.mk
include tests/unit/proto/local.mk
include tests/unit/decide/local.mk
include tests/unit/control/local.mk
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
