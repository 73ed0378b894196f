/*
 * Who is asked the queries of external metrics: the checks of metricSources. Called by the reader after the
 * rows of their section; see schema.h. Thread: the reader's.
 */
#ifndef CONF_CONFIG_SOURCE_H
#define CONF_CONFIG_SOURCE_H

#include "conf/config.h"
#include "conf/schema.h"

void config_check_source(struct schema_reader *reader, const struct tree *map, void *at);
/* All of them together. `root` is the file. */
void config_check_sources(struct schema_reader *reader, const struct tree *root, const struct config *config);

#endif
