EXTRA_DIST += tests/unit/decide/tzif.h
unit_tests += \
	tests/unit/decide/test_window \
	tests/unit/decide/test_zone
