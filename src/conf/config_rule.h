/*
 * What a route does to a request or answer besides passing it on: the checks of header rules, rewrites,
 * redirects and fixed answers. Called by the reader after the rows of their section; see schema.h. Thread:
 * the reader's.
 */
#ifndef CONF_CONFIG_RULE_H
#define CONF_CONFIG_RULE_H

#include "conf/config.h"
#include "conf/schema.h"

void config_check_request_rule(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_response_rule(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_rewrite(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_answer(struct schema_reader *reader, const struct tree *map, void *at);
/* Whether no rule may touch request fields of this name. */
bool config_rule_refuses(const struct config *config, const char *name);
/* The rules of a whole route: what excludes one another, and redirects, which have a short form. */
void config_check_rules(struct schema_reader *reader, const struct tree *map,
                        const struct config_route *route);

#endif
