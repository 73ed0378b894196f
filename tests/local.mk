# Every test speaks TAP, so that automake counts cases and not programs. A script that hangs is ended after ten minutes,
# together with what it started.
TEST_EXTENSIONS = .py .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
PY_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = timeout -k 10 600 python3
SH_LOG_COMPILER = timeout -k 10 600 bash
AM_TESTS_ENVIRONMENT = \
	PENSTOCK='$(abs_top_builddir)/penstock'; export PENSTOCK; \
	PENSTOCK_SANITIZER='$(SANITIZER)'; export PENSTOCK_SANITIZER; \
	PENSTOCK_HARDENING='$(HARDENING)'; export PENSTOCK_HARDENING; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	PENSTOCK_NPM="$${PENSTOCK_NPM-$(abs_top_builddir)/npm}"; export PENSTOCK_NPM; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE;

# Who may include whom, how the program was linked, what its commands say, and what contrib/ makes of the metrics.
TESTS += tests/layers.py tests/hardening.sh tests/cli.sh tests/metrics.py
EXTRA_DIST += tests/layers.py tests/hardening.sh tests/cli.sh tests/metrics.py

# Whatever is not the program itself is a unit test (or a fuzz target): each is one source file of the same name, listed in
# the local.mk of its folder, and links the library and the main() of tests/unit/unit.c. Those that start threads are listed
# in threaded_tests too.
LDADD = tests/unit/libunit.a $(penstock_LDADD) $(CHECK_LIBS)
check_LIBRARIES =
unit_tests =
threaded_tests =
if HAVE_CHECK
check_LIBRARIES += tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = tests/unit/served.h tests/unit/unit.c tests/unit/unit.h
include tests/unit/base/local.mk
include tests/unit/proto/local.mk
include tests/unit/decide/local.mk
include tests/unit/export/local.mk
include tests/unit/conf/local.mk
include tests/unit/route/local.mk
include tests/unit/net/local.mk
include tests/unit/proxy/local.mk
include tests/unit/report/local.mk
include tests/unit/control/local.mk
include tests/unit/cli/local.mk
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

include tests/fuzz/local.mk

# `make check e2e_run=` leaves the end-to-end tests out.
include tests/e2e/local.mk
e2e_run = $(e2e_tests)
TESTS += $(e2e_run)
EXTRA_DIST += $(e2e_tests)

include tests/bench/local.mk
include tests/ktls/local.mk
include tests/replay/local.mk

# What is worth running under ThreadSanitizer. With `tsan_run=` it is only built.
tsan_run = $(threaded_tests) $(tsan_tests)
check-tsan: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS='$(threaded_tests)' TESTS='$(tsan_run)'
.PHONY: check-tsan
