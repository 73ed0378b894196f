src_libpenstock_a_SOURCES += \
	src/control/admin.c src/control/admin.h \
	src/control/admin_conn.c src/control/admin_conn.h \
	src/control/aftermath.c src/control/aftermath.h \
	src/control/api.c src/control/api.h \
	src/control/asker.c src/control/asker.h \
	src/control/awskeys.c src/control/awskeys.h \
	src/control/board.c src/control/board.h \
	src/control/call.c src/control/call.h \
	src/control/capacity.c src/control/capacity.h \
	src/control/client.c src/control/client.h \
	src/control/control.c src/control/control.h \
	src/control/courier.c src/control/courier.h \
	src/control/errands.c src/control/errands.h \
	src/control/examples.c src/control/examples.h \
	src/control/guard.c src/control/guard.h \
	src/control/harvest.c src/control/harvest.h \
	src/control/history.c src/control/history.h \
	src/control/journal.c src/control/journal.h \
	src/control/mailbox.c src/control/mailbox.h \
	src/control/metrics.c src/control/metrics.h \
	src/control/notice.c src/control/notice.h \
	src/control/notifier.c src/control/notifier.h \
	src/control/notify.c src/control/notify.h \
	src/control/orders.c src/control/orders.h \
	src/control/page.c src/control/page.h \
	src/control/problem.c src/control/problem.h \
	src/control/reads.c src/control/reads.h \
	src/control/probe_h2.c src/control/probe_h2.h \
	src/control/prober.c src/control/prober.h \
	src/control/recent.c src/control/recent.h \
	src/control/reload.c src/control/reload.h \
	src/control/reports.c src/control/reports.h \
	src/control/restore.c src/control/restore.h \
	src/control/roster.c src/control/roster.h \
	src/control/run.c src/control/run.h \
	src/control/seal.c src/control/seal.h \
	src/control/slots.c src/control/slots.h \
	src/control/source.c src/control/source.h \
	src/control/source_cloudwatch.c \
	src/control/source_datadog.c \
	src/control/source_prometheus.c \
	src/control/status.c src/control/status.h \
	src/control/store.c src/control/store.h \
	src/control/store_db.c src/control/store_db.h \
	src/control/store_file.c src/control/store_file.h \
	src/control/store_history.c src/control/store_history.h \
	src/control/store_weights.c src/control/store_weights.h \
	src/control/stream.c src/control/stream.h \
	src/control/surveyor.c src/control/surveyor.h \
	src/control/tick.c src/control/tick.h \
	src/control/writes.c src/control/writes.h

# The page: files that become part of the program, the first one at GET /, the others below /page/.
page_sources = \
	src/control/page/index.html \
	src/control/page/page.css \
	src/control/page/page.js \
	src/control/page/api.js \
	src/control/page/charts.js \
	src/control/page/dom.js \
	src/control/page/plot.js \
	src/control/page/words.js \
	src/control/page/icon.svg
EXTRA_DIST += $(page_sources)

nodist_src_libpenstock_a_SOURCES += src/control/page_files.c
CLEANFILES += src/control/page_files.c
src/control/page_files.c: $(page_sources) src/report/embed$(EXEEXT)
	$(AM_V_GEN)set --; for file in $(page_sources); do set -- "$$@" "$${file##*/}=$(srcdir)/$$file"; done; \
	./src/report/embed$(EXEEXT) page_assets "$$@" >$@.new && mv $@.new $@
