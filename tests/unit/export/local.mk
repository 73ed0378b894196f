unit_tests += \
	tests/unit/export/test_logsink
threaded_tests += \
	tests/unit/export/test_logsink
