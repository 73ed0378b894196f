/*
 * Who is told of decisions, and who is asked: the checks of notify and webhooks. Called by the reader after
 * the rows of their section; see schema.h. Thread: the reader's.
 */
#ifndef CONF_CONFIG_NOTICE_H
#define CONF_CONFIG_NOTICE_H

#include "conf/config.h"
#include "conf/schema.h"

void config_check_notice(struct schema_reader *reader, const struct tree *map, void *at);
void config_check_webhooks(struct schema_reader *reader, const struct tree *map, void *at);
/* All of them, beside the routes. `root` is the file. */
void config_check_notices(struct schema_reader *reader, const struct tree *root, const struct config *config);

#endif
