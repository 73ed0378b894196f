# End-to-end tests: tests/e2e/test_*.py, Python 3 with its standard library only, one TAP stream each, the program under
# test in $PENSTOCK. A test whose peer (nginx, node, wrk, …) is missing prints `1..0 # SKIP reason`.
e2e_tests =
