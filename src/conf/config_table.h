/*
 * THE table of settings of the configuration. A setting is a row here and a member of struct config, and
 * nothing else.
 */
#ifndef CONF_CONFIG_TABLE_H
#define CONF_CONFIG_TABLE_H

#include "conf/schema.h"

/* Fills a struct config. */
extern const struct section config_section;
/* Its parts in files of their own: an entry of targetGroups, an entry of routes. */
extern const struct section config_group_section, config_route_section;

#endif
