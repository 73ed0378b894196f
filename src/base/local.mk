src_libpenstock_a_SOURCES += \
	src/base/budget.c src/base/budget.h \
	src/base/bug.c src/base/bug.h \
	src/base/clk.c src/base/clk.h \
	src/base/hist.c src/base/hist.h \
	src/base/ip.c src/base/ip.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/ring.c src/base/ring.h \
	src/base/rnd.c src/base/rnd.h \
	src/base/scan.c src/base/scan.h \
	src/base/str.c src/base/str.h \
	src/base/unit.c src/base/unit.h \
	src/base/wheel.c src/base/wheel.h
