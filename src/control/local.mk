src_libpenstock_a_SOURCES += \
	src/control/client.c src/control/client.h \
	src/control/control.h \
	src/control/store.c src/control/store.h \
	src/control/store_db.c src/control/store_db.h \
	src/control/store_file.c src/control/store_file.h
