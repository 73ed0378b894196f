/*
 * Who may choose a side: the checks of a route's overrides. What they are there for is that the public cannot
 * choose, so an override without a secret needs client networks. Called by the reader after the rows of
 * their section; see schema.h. Thread: the reader's.
 */
#ifndef CONF_CONFIG_OVERRIDE_H
#define CONF_CONFIG_OVERRIDE_H

#include "conf/config.h"
#include "conf/schema.h"

void config_check_override(struct schema_reader *reader, const struct tree *map, void *at);
/* All overrides of a route, beside its other settings. */
void config_check_overrides(struct schema_reader *reader, const struct tree *map,
                            const struct config_route *route);

#endif
