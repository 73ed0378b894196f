/*
 * How requests of monitors and load tests are known: the checks of `synthetic`, and what routes take over
 * from it. Called by the reader; see schema.h. Thread: the reader's.
 */
#ifndef CONF_CONFIG_SYNTHETIC_H
#define CONF_CONFIG_SYNTHETIC_H

#include "conf/config.h"
#include "conf/schema.h"

void config_check_synthetic_map(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_route_synthetic_map(struct schema_reader *reader, const struct tree *map, void *at);
/* Notes the bytes that the agents begin with. */
void config_synthetic_note(struct config_synthetic *synthetic);
/* Routes that have keys of their own take the others over, and what the lists begin with is noted. `root` is
 * the file. */
void config_check_synthetic(struct schema_reader *reader, const struct tree *root, struct config *config);

#endif
