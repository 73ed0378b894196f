/*
 * Where the access log goes and what stands in it, and metrics as lines, which go there too: the checks of
 * their sections, called by the reader after the rows; see schema.h. Thread: the reader's.
 */
#ifndef CONF_CONFIG_LOG_H
#define CONF_CONFIG_LOG_H

#include "conf/config.h"
#include "conf/schema.h"

/* Before the rows of a log: all requests are written. */
void config_init_log(struct schema_reader *reader, void *at);
void config_check_log_file(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_emf(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log_partitions(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log_otlp(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log_xray(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log_syslog(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log_forward(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_log_record(struct schema_reader *reader, const struct tree *map, void *at);
/* All of them together, and what is redacted by default. `root` is the file. */
void config_check_logs(struct schema_reader *reader, const struct tree *root, struct config *config);

#endif
