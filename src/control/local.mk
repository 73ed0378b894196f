src_libpenstock_a_SOURCES += \
	src/control/client.h \
	src/control/control.h \
	src/control/store.h
