unit_tests += \
	tests/unit/proto/test_field \
	tests/unit/proto/test_h1_request
