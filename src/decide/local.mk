src_libpenstock_a_SOURCES += \
	src/decide/evidence.h \
	src/decide/judge.h \
	src/decide/plan.c src/decide/plan.h src/decide/plancheck.c \
	src/decide/record.h \
	src/decide/rollout.h \
	src/decide/tally.h \
	src/decide/window.c src/decide/window.h \
	src/decide/words.c src/decide/words.h \
	src/decide/zone.c src/decide/zone.h
