src_libpenstock_a_SOURCES += \
	src/route/balance.c src/route/balance.h \
	src/route/index.c src/route/index.h \
	src/route/path.c src/route/path.h \
	src/route/pick.c src/route/pick.h \
	src/route/routes.c src/route/routes.h \
	src/route/steer.c src/route/steer.h
