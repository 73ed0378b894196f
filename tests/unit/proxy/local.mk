# Those that drive whole connections share the fixture: a proxy with threads whose clients and targets are the test.
proxy_fixture = tests/unit/proxy/fixture.c tests/unit/proxy/fixture.h
unit_tests += \
	tests/unit/proxy/test_txn
tests_unit_proxy_test_txn_SOURCES = tests/unit/proxy/test_txn.c $(proxy_fixture)
threaded_tests += \
	tests/unit/proxy/test_txn
