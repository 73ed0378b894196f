src_libpenstock_a_SOURCES += \
	src/net/conn.c src/net/conn.h \
	src/net/listen.c src/net/listen.h \
	src/net/pool.c src/net/pool.h \
	src/net/tls.c src/net/tls.h \
	src/net/websocket.c src/net/websocket.h
