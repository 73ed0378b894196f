EXTRA_DIST += tests/unit/decide/sim.h tests/unit/decide/tzif.h
unit_tests += \
	tests/unit/decide/test_amend \
	tests/unit/decide/test_cells \
	tests/unit/decide/test_evidence \
	tests/unit/decide/test_external \
	tests/unit/decide/test_guard \
	tests/unit/decide/test_guarantee \
	tests/unit/decide/test_judge \
	tests/unit/decide/test_order \
	tests/unit/decide/test_outlier \
	tests/unit/decide/test_peer \
	tests/unit/decide/test_plan \
	tests/unit/decide/test_power \
	tests/unit/decide/test_query \
	tests/unit/decide/test_record \
	tests/unit/decide/test_retreat \
	tests/unit/decide/test_rollout \
	tests/unit/decide/test_settings \
	tests/unit/decide/test_state \
	tests/unit/decide/test_trace \
	tests/unit/decide/test_warm \
	tests/unit/decide/test_watch \
	tests/unit/decide/test_window \
	tests/unit/decide/test_zone
