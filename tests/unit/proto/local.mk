EXTRA_DIST += tests/unit/proto/h2peer.h tests/unit/proto/heads.h
unit_tests += \
	tests/unit/proto/test_field \
	tests/unit/proto/test_grpc \
	tests/unit/proto/test_h1_body \
	tests/unit/proto/test_h1_request \
	tests/unit/proto/test_h1_response \
	tests/unit/proto/test_h1_write \
	tests/unit/proto/test_h2 \
	tests/unit/proto/test_h2_client \
	tests/unit/proto/test_h2_flood \
	tests/unit/proto/test_h2_mem \
	tests/unit/proto/test_h2_server \
	tests/unit/proto/test_head \
	tests/unit/proto/test_hops \
	tests/unit/proto/test_octet \
	tests/unit/proto/test_proxyline \
	tests/unit/proto/test_target \
	tests/unit/proto/test_tracecontext
