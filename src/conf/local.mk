src_libpenstock_a_SOURCES += \
	src/conf/address.c src/conf/address.h \
	src/conf/config.c src/conf/config.h \
	src/conf/config_check.c src/conf/config_check.h \
	src/conf/config_group_table.c \
	src/conf/config_log_table.c \
	src/conf/config_listener_table.c \
	src/conf/config_log.c src/conf/config_log.h \
	src/conf/config_notice.c src/conf/config_notice.h \
	src/conf/config_notice_table.c \
	src/conf/config_override.c src/conf/config_override.h \
	src/conf/config_route_table.c \
	src/conf/config_rule.c src/conf/config_rule.h \
	src/conf/config_synthetic.c src/conf/config_synthetic.h \
	src/conf/config_synthetic_table.c \
	src/conf/config_source.c src/conf/config_source.h \
	src/conf/config_source_table.c \
	src/conf/config_table.c src/conf/config_table.h \
	src/conf/config_tracing_table.c \
	src/conf/config_types.c src/conf/config_types.h \
	src/conf/doc.c src/conf/doc.h \
	src/conf/doc_example.c \
	src/conf/doc_schema.c \
	src/conf/env.c src/conf/env.h \
	src/conf/input.c src/conf/input.h \
	src/conf/load.c src/conf/load.h \
	src/conf/plan_judge_table.c \
	src/conf/plan_table.c src/conf/plan_table.h \
	src/conf/plan_types.c src/conf/plan_types.h \
	src/conf/plan_way_table.c \
	src/conf/planchange.c src/conf/planchange.h \
	src/conf/planfile.c src/conf/planfile.h \
	src/conf/ram.c src/conf/ram.h \
	src/conf/report.c src/conf/report.h \
	src/conf/schema.c src/conf/schema.h \
	src/conf/secret.c src/conf/secret.h \
	src/conf/shortform.c src/conf/shortform.h src/conf/shortform_schema.c \
	src/conf/shortform_argo.c src/conf/shortform_argo.h \
	src/conf/shortform_maker.c src/conf/shortform_maker.h \
	src/conf/template.c src/conf/template.h \
	src/conf/tree.c src/conf/tree.h \
	src/conf/types.c src/conf/types.h \
	src/conf/zone.c src/conf/zone.h
