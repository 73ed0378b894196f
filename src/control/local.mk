src_libpenstock_a_SOURCES += \
	src/control/client.c src/control/client.h \
	src/control/control.h \
	src/control/harvest.c src/control/harvest.h \
	src/control/recent.c src/control/recent.h \
	src/control/slots.c src/control/slots.h \
	src/control/store.c src/control/store.h \
	src/control/store_db.c src/control/store_db.h \
	src/control/store_file.c src/control/store_file.h
