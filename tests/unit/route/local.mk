unit_tests += \
	tests/unit/route/test_balance \
	tests/unit/route/test_index \
	tests/unit/route/test_path \
	tests/unit/route/test_pick \
	tests/unit/route/test_routes \
	tests/unit/route/test_steer
EXTRA_DIST += tests/unit/route/build.h
