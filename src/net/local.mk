src_libpenstock_a_SOURCES += \
	src/net/conn.c src/net/conn.h \
	src/net/listen.c src/net/listen.h \
	src/net/pool.c src/net/pool.h \
	src/net/stamp.c src/net/stamp.h \
	src/net/tls.c src/net/tls.h \
	src/net/tls_cert.c src/net/tls_cert.h \
	src/net/tls_choice.c src/net/tls_choice.h \
	src/net/tls_context.c src/net/tls_context.h \
	src/net/tls_end.def \
	src/net/tls_kernel.c src/net/tls_kernel.h \
	src/net/tls_server.c src/net/tls_server.h \
	src/net/tls_stream.c src/net/tls_stream.h \
	src/net/tls_ticket.c src/net/tls_ticket.h \
	src/net/websocket.c src/net/websocket.h
