src_libpenstock_a_SOURCES += \
	src/export/exposition.c src/export/exposition.h \
	src/export/logsink.c src/export/logsink.h \
	src/export/prometheus.c src/export/prometheus.h
