# The manual pages of the commands are written by hand; tests/unit/cli/test_subcommand holds them to the options that there are.
dist_man_MANS += \
	man/penstock.1 \
	man/penstock-check.1 \
	man/penstock-decisions.1 \
	man/penstock-demo.1 \
	man/penstock-drain.1 \
	man/penstock-explain.1 \
	man/penstock-override.1 \
	man/penstock-replay.1 \
	man/penstock-report.1 \
	man/penstock-rollout.1 \
	man/penstock-serve.1 \
	man/penstock-status.1 \
	man/penstock-weight.1

# The manual pages of the files and their JSON Schemas come from the tables of settings.
noinst_PROGRAMS += man/docgen
man_docgen_SOURCES = man/docgen.c
man_docgen_LDADD = $(penstock_LDADD)

nodist_man_MANS += man/penstock.yaml.5 man/penstock-plan.5
schemadir = $(pkgdatadir)/schema
nodist_schema_DATA = man/penstock.schema.json man/penstock-plan.schema.json
CLEANFILES += $(nodist_man_MANS) $(nodist_schema_DATA)

DOCGEN = $(AM_V_GEN)$(MKDIR_P) man && ./man/docgen$(EXEEXT)
man/penstock.yaml.5: man/docgen$(EXEEXT)
	$(DOCGEN) config manual >$@.new && mv $@.new $@
man/penstock-plan.5: man/docgen$(EXEEXT)
	$(DOCGEN) plan manual >$@.new && mv $@.new $@
man/penstock.schema.json: man/docgen$(EXEEXT)
	$(DOCGEN) config schema >$@.new && mv $@.new $@
man/penstock-plan.schema.json: man/docgen$(EXEEXT)
	$(DOCGEN) plan schema >$@.new && mv $@.new $@
