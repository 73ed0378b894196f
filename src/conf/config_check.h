/*
 * What concerns more than one setting of the configuration: the functions that its table names, and what a
 * finished one needs (slots, names that default to others).
 *
 * All but config_check are called by the reader, after the rows of their section; see schema.h. Thread: the
 * reader's.
 */
#ifndef CONF_CONFIG_CHECK_H
#define CONF_CONFIG_CHECK_H

#include "conf/schema.h"

void config_check_admin(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_tracing(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_dogstatsd(struct schema_reader *reader, const struct tree *map, void *at);
/* Before the rows of limits: what the rows leave as the codec has it. */
void config_init_limits(struct schema_reader *reader, void *at);
void config_check_limits(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_route_limits(struct schema_reader *reader, const struct tree *map, void *at);
/* Before a group's rows: the times of all. */
void config_init_group(struct schema_reader *reader, void *at);
void config_check_group(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_hash(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_hsts(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_listener_tls(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_tls(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_health(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_affinity(struct schema_reader *reader, const struct tree *map, void *at);
/* Before a route's rows: no canary, and the timeouts and limits of all. */
void config_init_route(struct schema_reader *reader, void *at);
void config_check_mirror(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_route(struct schema_reader *reader, const struct tree *map, void *at);
/* The whole, at the end: `map` is the root, after tree_blame. */
void config_check(struct schema_reader *reader, const struct tree *map, void *at);

#endif
