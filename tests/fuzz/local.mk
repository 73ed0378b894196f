# A fuzz target is one file that defines LLVMFuzzerTestOneInput, and one line here; its corpus is tests/fuzz/corpus/NAME/.
# As a rule it is linked with replay.c, and `make check` runs it over its corpus. To fuzz, in a build folder of its own:
#   configure --enable-fuzzing CC=clang && make check TESTS= && tests/fuzz/fuzz_h1_body NEW_CORPUS $top_srcdir/tests/fuzz/corpus/fuzz_h1_body
# What it finds becomes a unit test and a file of the corpus. `tests/fuzz/NAME FILE` replays one file in either build.
fuzz_targets =
fuzz_targets += tests/fuzz/fuzz_config
fuzz_targets += tests/fuzz/fuzz_h1_body
fuzz_targets += tests/fuzz/fuzz_h1_request
fuzz_targets += tests/fuzz/fuzz_h1_response
fuzz_targets += tests/fuzz/fuzz_h2
fuzz_targets += tests/fuzz/fuzz_logline
fuzz_targets += tests/fuzz/fuzz_plan
fuzz_targets += tests/fuzz/fuzz_proxyline
fuzz_targets += tests/fuzz/fuzz_source
fuzz_targets += tests/fuzz/fuzz_ticket
fuzz_targets += tests/fuzz/fuzz_trace
fuzz_targets += tests/fuzz/fuzz_tracecontext
fuzz_targets += tests/fuzz/fuzz_trunk

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/heads.h
check_PROGRAMS += $(fuzz_targets)
if FUZZING
fuzz_main = -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/libreplay.a
check_LIBRARIES += tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c
fuzz_programs = $(fuzz_targets:=$(EXEEXT))
$(fuzz_programs): tests/fuzz/libreplay.a
TESTS += $(fuzz_targets)
endif
# LDADD is what automake links a program with that says nothing else; here it means another main().
$(fuzz_targets): LDADD = $(fuzz_main) $(penstock_LDADD)
