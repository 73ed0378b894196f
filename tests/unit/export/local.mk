unit_tests += \
	tests/unit/export/test_logsink \
	tests/unit/export/test_prometheus
