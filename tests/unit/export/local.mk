unit_tests += \
	tests/unit/export/test_logsink
