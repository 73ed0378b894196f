# The scenario suite. In `make check` few seeds; the table with its goals: `make bench-replay SEEDS=300`, with REPLAY_FLAGS
# for its other options (`--help` lists them).
check_PROGRAMS += tests/replay/scenarios
TESTS += tests/replay/scenarios
tests_replay_scenarios_SOURCES = tests/replay/scenarios.c \
	tests/replay/contest.c tests/replay/contest.h \
	tests/replay/family.c tests/replay/family.h \
	tests/replay/gen.c tests/replay/gen.h \
	tests/replay/oracle.c tests/replay/oracle.h \
	tests/replay/real.c tests/replay/real.h \
	tests/replay/score.c tests/replay/score.h \
	tests/replay/table.c tests/replay/table.h
tests_replay_scenarios_LDADD = $(penstock_LDADD)

SEEDS = 100
bench-replay: tests/replay/scenarios
	tests/replay/scenarios --seeds $(SEEDS) $(REPLAY_FLAGS)
.PHONY: bench-replay

# The same with real, public series, cloned side by side into a folder (real.h says which): `make bench-real REAL=FOLDER`.
bench-real: tests/replay/scenarios
	tests/replay/scenarios --real $(REAL) $(REPLAY_FLAGS)
.PHONY: bench-real

# The guarantee by force, `make bench-nulls ROLLOUTS=20000`.
EXTRA_PROGRAMS += tests/replay/nulls
tests_replay_nulls_SOURCES = tests/replay/nulls.c
tests_replay_nulls_LDADD = $(penstock_LDADD)

ROLLOUTS = 1000
bench-nulls: tests/replay/nulls
	tests/replay/nulls --rollouts $(ROLLOUTS) $(REPLAY_FLAGS)
.PHONY: bench-nulls
