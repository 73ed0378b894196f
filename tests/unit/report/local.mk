unit_tests += \
	tests/unit/report/test_html \
	tests/unit/report/test_report
