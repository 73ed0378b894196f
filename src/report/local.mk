src_libpenstock_a_SOURCES += \
	src/report/asset.c src/report/asset.h \
	src/report/html.c src/report/html.h \
	src/report/json.c src/report/json.h \
	src/report/points.c src/report/points.h \
	src/report/report.c src/report/report.h

# The page of a report: one script, one sheet, and the charting library, which the dashboard is served from here too.
report_page = src/report/page/report.js src/report/page/report.css
EXTRA_DIST += $(report_page)
report_script = src/control/page/dom.js src/control/page/words.js src/control/page/plot.js src/report/page/report.js
report_sheet = src/control/page/page.css src/report/page/report.css
dygraphs_files = $(DYGRAPHS)/dygraph.min.js $(DYGRAPHS)/dygraph.min.css

noinst_PROGRAMS += src/report/embed
src_report_embed_SOURCES = src/report/embed.c
src_report_embed_LDADD =
nodist_src_libpenstock_a_SOURCES = src/report/assets.c
CLEANFILES += src/report/assets.c src/report/report.js src/report/report.css
src/report/assets.c: $(report_script) $(report_sheet) $(dygraphs_files) src/report/embed$(EXEEXT)
	$(AM_V_GEN)for file in $(report_script); do sed -e '/^import /d' -e 's/^export //' $(srcdir)/$$file || exit 1; done >src/report/report.js && \
	for file in $(report_sheet); do cat $(srcdir)/$$file || exit 1; done >src/report/report.css && \
	./src/report/embed$(EXEEXT) report_assets dygraph.min.js=$(DYGRAPHS)/dygraph.min.js dygraph.min.css=$(DYGRAPHS)/dygraph.min.css \
		report.js=src/report/report.js report.css=src/report/report.css >$@.new && mv $@.new $@
