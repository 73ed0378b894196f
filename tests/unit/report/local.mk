unit_tests += \
	tests/unit/report/test_report
