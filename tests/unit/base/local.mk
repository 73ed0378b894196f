unit_tests += \
	tests/unit/base/test_budget \
	tests/unit/base/test_bug \
	tests/unit/base/test_clk \
	tests/unit/base/test_hist \
	tests/unit/base/test_ip \
	tests/unit/base/test_log \
	tests/unit/base/test_mem \
	tests/unit/base/test_ring \
	tests/unit/base/test_rnd \
	tests/unit/base/test_scan \
	tests/unit/base/test_str \
	tests/unit/base/test_unit \
	tests/unit/base/test_wheel
threaded_tests += \
	tests/unit/base/test_budget \
	tests/unit/base/test_ring
