unit_tests += \
	tests/unit/cli/test_args \
	tests/unit/cli/test_arrivals \
	tests/unit/cli/test_demo \
	tests/unit/cli/test_demo_view \
	tests/unit/cli/test_figure \
	tests/unit/cli/test_lines \
	tests/unit/cli/test_logline \
	tests/unit/cli/test_openplay \
	tests/unit/cli/test_playback \
	tests/unit/cli/test_subcommand \
	tests/unit/cli/test_traceline \
	tests/unit/cli/test_view
threaded_tests += \
	tests/unit/cli/test_demo
