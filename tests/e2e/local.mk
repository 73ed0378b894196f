# End-to-end tests: tests/e2e/test_*.py, Python 3 with its standard library only, one TAP stream each, the program under
# test in $PENSTOCK. A test whose peer (nginx, node, wrk, …) is missing prints `1..0 # SKIP reason`.
e2e_tests =

# The ones in which threads meet; for a build with --enable-tsan.
tsan_tests =
