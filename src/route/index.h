/*
 * Which route a request belongs to: the exact host before a wildcard host before any host, and within a host
 * the longest path prefix. One hash table over (host, prefix); a look-up tries the prefixes of the path at
 * its slashes, longest first, so its cost grows with the depth of the path and not with the number of routes.
 */
#ifndef ROUTE_INDEX_H
#define ROUTE_INDEX_H

#include "base/str.h"

#include <stdint.h>

struct route_index;
struct config;

/* Indexes the routes of a checked config. The caller frees it; `config` must outlive it. */
struct route_index *route_index_new(const struct config *config);
void route_index_free(struct route_index *index);

/*
 * The index in config->routes of the route for this host (lower case, no port, may be empty) and normalised
 * path (route/path), or -1. Thread: any.
 */
int32_t route_index_find(const struct route_index *index, struct str host, struct str path);

#endif
