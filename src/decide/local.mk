src_libpenstock_a_SOURCES += \
	src/decide/amend.c src/decide/amend.h \
	src/decide/back.c \
	src/decide/bake.c \
	src/decide/decision.c src/decide/decision.h \
	src/decide/evidence.c src/decide/evidence.h \
	src/decide/external.c src/decide/external.h \
	src/decide/forward.c \
	src/decide/guard.c src/decide/guard.h \
	src/decide/incident.c src/decide/incident.h \
	src/decide/judge.c src/decide/judge.h \
	src/decide/look.h \
	src/decide/observer.c src/decide/observer.h \
	src/decide/order.c \
	src/decide/outlier.c src/decide/outlier.h \
	src/decide/peer.c src/decide/peer.h \
	src/decide/plan.c src/decide/plan.h src/decide/plancheck.c \
	src/decide/power.c src/decide/power.h \
	src/decide/query.c src/decide/query.h \
	src/decide/record.c src/decide/record.h \
	src/decide/retreat.c src/decide/retreat.h \
	src/decide/rollout.c src/decide/rollout.h \
	src/decide/state.c src/decide/state.h \
	src/decide/tally.h \
	src/decide/trace.c src/decide/trace.h \
	src/decide/watch.c src/decide/watch.h \
	src/decide/window.c src/decide/window.h \
	src/decide/words.c src/decide/words.h \
	src/decide/zone.c src/decide/zone.h
