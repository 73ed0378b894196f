src_libpenstock_a_SOURCES += \
	src/cli/args.c src/cli/args.h \
	src/cli/check.c src/cli/check.h \
	src/cli/subcommand.h \
	src/cli/decisions.c src/cli/decisions.h \
	src/cli/demo.c src/cli/demo.h \
	src/cli/demo_fault.c src/cli/demo_fault.h \
	src/cli/demo_files.c src/cli/demo_files.h \
	src/cli/demo_proxy.c src/cli/demo_proxy.h \
	src/cli/demo_stage.c src/cli/demo_stage.h \
	src/cli/demo_target.c src/cli/demo_target.h \
	src/cli/demo_traffic.c src/cli/demo_traffic.h \
	src/cli/demo_view.c src/cli/demo_view.h \
	src/cli/drain.c src/cli/drain.h \
	src/cli/explain.c src/cli/explain.h \
	src/cli/figure.c src/cli/figure.h \
	src/cli/playback.c src/cli/playback.h \
	src/cli/remote.c src/cli/remote.h \
	src/cli/rollout.c src/cli/rollout.h \
	src/cli/screen.c src/cli/screen.h \
	src/cli/serve.c src/cli/serve.h \
	src/cli/state.c src/cli/state.h \
	src/cli/status.c src/cli/status.h \
	src/cli/subcommand.c src/cli/subcommand.h \
	src/cli/term.c src/cli/term.h \
	src/cli/view.c src/cli/view.h \
	src/cli/weight.c src/cli/weight.h
