unit_tests += \
	tests/unit/base/test_str
