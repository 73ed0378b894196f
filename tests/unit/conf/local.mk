unit_tests += \
	tests/unit/conf/test_address \
	tests/unit/conf/test_calendar \
	tests/unit/conf/test_config \
	tests/unit/conf/test_doc \
	tests/unit/conf/test_env \
	tests/unit/conf/test_planchange \
	tests/unit/conf/test_planfile \
	tests/unit/conf/test_ram \
	tests/unit/conf/test_report \
	tests/unit/conf/test_secret \
	tests/unit/conf/test_shortform \
	tests/unit/conf/test_template \
	tests/unit/conf/test_tree \
	tests/unit/conf/test_types
EXTRA_DIST += tests/unit/conf/problems.h
