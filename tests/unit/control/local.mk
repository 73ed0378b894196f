unit_tests += \
	tests/unit/control/test_store
