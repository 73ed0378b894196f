/*
 * Kinds of values that only the configuration has, and what its tables share.
 */
#ifndef CONF_CONFIG_TYPES_H
#define CONF_CONFIG_TYPES_H

#include "base/clk.h"
#include "conf/schema.h"

#define KIB INT64_C(1024)
#define GIB (KIB * KIB * KIB)
#define S   NS_PER_S

/* A limit of time or rate that 0 takes away. */
#define NO_LIMIT_TO(max_)                                                                                    \
    .min = 0, .max = (max_), .zero = "is no limit: whoever is silent holds a connection for ever"

#define CONFIG_NO_BODY      "refuses every request that has a body"
#define CONFIG_NO_EXTENSION "refuses every body that has one"

extern const struct schema_type type_workers, type_memory, type_host, type_group, type_tags, type_true,
    type_network;

#endif
