src_libpenstock_a_SOURCES += \
	src/export/dogstatsd.c src/export/dogstatsd.h \
	src/export/emf.c src/export/emf.h \
	src/export/exposition.c src/export/exposition.h \
	src/export/forwardwire.c src/export/forwardwire.h \
	src/export/logblock.c src/export/logblock.h \
	src/export/logcounter.def \
	src/export/logfile.c src/export/logfile.h \
	src/export/logforward.c src/export/logforward.h \
	src/export/logformat.c src/export/logformat.h \
	src/export/logotlp.c src/export/logotlp.h \
	src/export/logpack.c src/export/logpack.h \
	src/export/logparts.c src/export/logparts.h \
	src/export/logpeer.c src/export/logpeer.h \
	src/export/logplace.c src/export/logplace.h \
	src/export/logplain.c src/export/logplain.h \
	src/export/logread.c src/export/logread.h \
	src/export/logreader.c src/export/logreader.h \
	src/export/logshape.c src/export/logshape.h \
	src/export/logshelf.c src/export/logshelf.h \
	src/export/logsink.c src/export/logsink.h \
	src/export/logspans.c src/export/logspans.h \
	src/export/logspool.c src/export/logspool.h \
	src/export/logstream.c src/export/logstream.h \
	src/export/logsyslog.c src/export/logsyslog.h \
	src/export/logvalue.c src/export/logvalue.h \
	src/export/logwords.c src/export/logwords.h \
	src/export/logwriter.c src/export/logwriter.h \
	src/export/logxray.c src/export/logxray.h \
	src/export/meter.c src/export/meter.h \
	src/export/meter_rows.h \
	src/export/meter_self.c \
	src/export/meter_table.c \
	src/export/msgpack.c src/export/msgpack.h \
	src/export/otlp.c src/export/otlp.h \
	src/export/otlphold.c src/export/otlphold.h \
	src/export/prometheus.c src/export/prometheus.h \
	src/export/xray.c src/export/xray.h
