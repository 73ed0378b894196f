unit_tests += \
	tests/unit/control/test_awskeys \
	tests/unit/control/test_capacity \
	tests/unit/control/test_control \
	tests/unit/control/test_examples \
	tests/unit/control/test_guard \
	tests/unit/control/test_harvest \
	tests/unit/control/test_journal \
	tests/unit/control/test_notice \
	tests/unit/control/test_prober \
	tests/unit/control/test_recent \
	tests/unit/control/test_roster \
	tests/unit/control/test_slots \
	tests/unit/control/test_source \
	tests/unit/control/test_store \
	tests/unit/control/test_stream
