unit_tests += \
	tests/unit/net/test_conn \
	tests/unit/net/test_listen \
	tests/unit/net/test_pool \
	tests/unit/net/test_tls_cert \
	tests/unit/net/test_tls_kernel \
	tests/unit/net/test_tls_server \
	tests/unit/net/test_tls_ticket \
	tests/unit/net/test_websocket
EXTRA_DIST += tests/unit/net/pair.h
