src_libpenstock_a_SOURCES += \
	src/report/json.c src/report/json.h \
	src/report/points.c src/report/points.h \
	src/report/report.c src/report/report.h
