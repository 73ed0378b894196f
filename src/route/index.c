#include "route/index.h"

#include "base/mem.h"
#include "conf/config.h"

#include <stdlib.h>

enum {
    SEGMENTS_MAX =
        64, /* deeper slashes of a path are not tried: no configured prefix is that deep by accident */
};

struct entry {
    struct str host;   /* without "*." */
    struct str prefix; /* without a slash at its end; empty for "/" */
    uint64_t hash;
    int32_t route; /* -1: free */
    bool wildcard; /* host matches what lies below it */
};

struct route_index {
    size_t mask;
    struct entry entries[];
};

/* FNV-1a: the table is filled by the configuration alone, so it needs no key. */
static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

static uint64_t hash_more(uint64_t hash, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_host(struct str host, bool wildcard)
{
    return hash_more(hash_more(hash_start, host), wildcard ? STR("*") : STR("="));
}

static struct entry entry_of(const struct config_route *route, int32_t at)
{
    struct entry entry = {.host = str_from(route->host), .prefix = str_from(route->path_prefix), .route = at};

    if (!route->host || str_starts_with(entry.host, STR("*."))) {
        entry.wildcard = true;
        entry.host = route->host ? (struct str){entry.host.p + 2, entry.host.len - 2} : STR_NULL;
    }
    while (entry.prefix.len && entry.prefix.p[entry.prefix.len - 1] == '/')
        entry.prefix.len--;
    entry.hash = hash_more(hash_host(entry.host, entry.wildcard), entry.prefix);
    return entry;
}

struct route_index *route_index_new(const struct config *config)
{
    size_t slots = 16;
    struct route_index *index;

    while (slots < 2 * config->routes_len)
        slots *= 2;
    index = mem_alloc(sizeof *index + slots * sizeof index->entries[0]);
    index->mask = slots - 1;
    for (size_t i = 0; i < slots; i++)
        index->entries[i] = (struct entry){.route = -1};
    for (size_t i = 0; i < config->routes_len; i++) {
        struct entry entry = entry_of(&config->routes[i], (int32_t)i);
        size_t at = entry.hash & index->mask;

        while (index->entries[at].route >= 0)
            at = (at + 1) & index->mask;
        index->entries[at] = entry;
    }
    return index;
}

void route_index_free(struct route_index *index)
{
    free(index);
}

static int32_t find_one(const struct route_index *index, struct str host, bool wildcard, struct str prefix,
                        uint64_t hash)
{
    for (size_t at = hash & index->mask;; at = (at + 1) & index->mask) {
        const struct entry *entry = &index->entries[at];

        if (entry->route < 0)
            return -1;
        if (entry->hash == hash && entry->wildcard == wildcard && str_eq(entry->host, host) &&
            str_eq(entry->prefix, prefix))
            return entry->route;
    }
}

/* The longest prefix of `path` under one host. The hashes of all prefixes come from one pass over the path.
 */
static int32_t find_under(const struct route_index *index, struct str host, bool wildcard, struct str path)
{
    uint64_t hashes[SEGMENTS_MAX + 1], hash = hash_host(host, wildcard);
    size_t ends[SEGMENTS_MAX + 1], n = 0;
    int32_t found = -1;

    for (size_t i = 0; i < path.len && n < SEGMENTS_MAX; i++) {
        if (path.p[i] == '/') {
            hashes[n] = hash;
            ends[n++] = i;
        }
        hash = hash_more(hash, (struct str){path.p + i, 1});
    }
    hashes[n] = hash;
    ends[n++] = path.len;
    while (n-- > 0 && found < 0)
        found = find_one(index, host, wildcard, (struct str){path.p, ends[n]}, hashes[n]);
    return found;
}

int32_t route_index_find(const struct route_index *index, struct str host, struct str path)
{
    int32_t found = host.len ? find_under(index, host, false, path) : -1;
    struct str below = host, label;

    while (found < 0 && str_split(&below, '.', &label) && below.len)
        found = find_under(index, below, true, path);
    return found >= 0 ? found : find_under(index, STR_NULL, true, path);
}
