EXTRA_DIST += src/proxy/outcome.def src/proxy/logfield.def src/proxy/mirror.def src/proxy/override.def
src_libpenstock_a_SOURCES += \
	src/proxy/accesslog.c src/proxy/accesslog.h \
	src/proxy/admit.c \
	src/proxy/ask.c \
	src/proxy/bulk.c src/proxy/bulk.h \
	src/proxy/compose.c src/proxy/compose.h \
	src/proxy/cookie.c src/proxy/cookie.h \
	src/proxy/crew.c src/proxy/crew.h \
	src/proxy/crowd.c src/proxy/crowd.h \
	src/proxy/eject.c src/proxy/eject.h \
	src/proxy/exemplar.c src/proxy/exemplar.h \
	src/proxy/front.c src/proxy/front.h \
	src/proxy/gate.c src/proxy/gate.h \
	src/proxy/inbound.c src/proxy/inbound.h \
	src/proxy/mirror.c src/proxy/mirror.h \
	src/proxy/mux.c src/proxy/mux.h \
	src/proxy/outbound.c src/proxy/outbound.h \
	src/proxy/outbound_h2.c \
	src/proxy/outcome.c src/proxy/outcome.h \
	src/proxy/override.c src/proxy/override.h \
	src/proxy/pace.c src/proxy/pace.h \
	src/proxy/place.c src/proxy/place.h \
	src/proxy/record.c src/proxy/record.h \
	src/proxy/redact.c src/proxy/redact.h \
	src/proxy/relay.c src/proxy/relay.h \
	src/proxy/reply.c \
	src/proxy/retry.c src/proxy/retry.h \
	src/proxy/rules.c src/proxy/rules.h \
	src/proxy/score.c src/proxy/score.h \
	src/proxy/shard.c src/proxy/shard.h \
	src/proxy/spill.c src/proxy/spill.h \
	src/proxy/step.h \
	src/proxy/stream.c src/proxy/stream.h \
	src/proxy/synthetic.c src/proxy/synthetic.h \
	src/proxy/ticket.c src/proxy/ticket.h \
	src/proxy/tracing.c src/proxy/tracing.h \
	src/proxy/trunk.c src/proxy/trunk.h \
	src/proxy/tunnel.c \
	src/proxy/txn.c src/proxy/txn.h \
	src/proxy/units.c src/proxy/units.h \
	src/proxy/worker.c src/proxy/worker.h
