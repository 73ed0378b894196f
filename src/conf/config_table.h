/*
 * THE table of settings of the configuration. A setting is a row here and a member of struct config, and
 * nothing else.
 */
#ifndef CONF_CONFIG_TABLE_H
#define CONF_CONFIG_TABLE_H

#include "conf/schema.h"

/* Fills a struct config. */
extern const struct section config_section;
/* Its parts in files of their own: an entry of listeners, of accessLog, of notify, of metricSources, of
 * targetGroups, of routes. */
extern const struct section config_listener_section, config_log_section, config_notice_section,
    config_source_section, config_group_section, config_route_section;
extern const struct section config_log_record_section;
extern const struct section config_tracing_section;
/* The same keys for all routes and for one. */
extern const struct section config_synthetic_section, config_route_synthetic_section;
/* The versions of TLS that may be the oldest, for listeners and for groups. */
extern const struct word_table config_tls_version_table;
/* The presets of the access log, in the order of enum config_log_format. */
extern const struct word_table config_log_format_table;

#endif
