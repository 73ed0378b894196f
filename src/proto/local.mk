src_libpenstock_a_SOURCES += \
	src/proto/field.c src/proto/field.def src/proto/field.h \
	src/proto/grpc.c src/proto/grpc.def src/proto/grpc.h \
	src/proto/h1.c src/proto/h1.h \
	src/proto/h1_body.c src/proto/h1_body.h \
	src/proto/h1_error.c src/proto/h1_error.def src/proto/h1_error.h \
	src/proto/h1_facts.c src/proto/h1_facts.h \
	src/proto/h1_limits.h \
	src/proto/h1_line.c src/proto/h1_line.h \
	src/proto/h1_write.c src/proto/h1_write.h \
	src/proto/h2.c src/proto/h2.h \
	src/proto/h2_error.c src/proto/h2_error.def src/proto/h2_error.h \
	src/proto/h2_events.c \
	src/proto/h2_facts.c src/proto/h2_facts.h \
	src/proto/h2_flood.c src/proto/h2_flood.h \
	src/proto/h2_frames.c \
	src/proto/h2_mem.c src/proto/h2_mem.h \
	src/proto/h2_past.c src/proto/h2_past.h \
	src/proto/h2_section.c src/proto/h2_section.h \
	src/proto/h2_send.c \
	src/proto/h2_session.h \
	src/proto/head.c src/proto/head.h \
	src/proto/hops.c src/proto/hops.h \
	src/proto/method.c src/proto/method.def src/proto/method.h \
	src/proto/octet.c src/proto/octet.h \
	src/proto/proxyline.c src/proto/proxyline.h \
	src/proto/status.c src/proto/status.def src/proto/status.h \
	src/proto/target.c src/proto/target.h \
	src/proto/tracecontext.c src/proto/tracecontext.h \
	src/proto/traceformat.c src/proto/traceformat.def src/proto/traceformat.h
