#include "route/index.h"

#include "base/mem.h"
#include "conf/config.h"

#include <stdlib.h>

enum {
    SEGMENTS_MAX = 64, /* deeper slashes are not tried: no configured prefix is that deep by accident */
};

struct entry {
    struct str host;   /* without "*." */
    struct str prefix; /* without a slash at its end; empty for "/" */
    uint64_t hash;
    int32_t route; /* -1: free */
    bool wildcard; /* host matches what lies below it */
};

struct route_index {
    size_t prefix_max; /* of the longest prefix: no more of a path need be looked at */
    bool hosts;        /* some route names a host exactly, */
    bool wildcards;    /* or all hosts below one */
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

/* Host and prefix are hashed apart, so that a look-up goes over the path once and not once a host. */
static uint64_t hash_join(uint64_t host, uint64_t prefix)
{
    return (host ^ (prefix << 7 | prefix >> 57)) * UINT64_C(0x9e3779b97f4a7c15);
}

static size_t slot_of(const struct route_index *index, uint64_t hash)
{
    return hash >> 32 & index->mask;
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
    entry.hash = hash_join(hash_host(entry.host, entry.wildcard), hash_more(hash_start, entry.prefix));
    return entry;
}

static void add(struct route_index *index, const struct entry *entry)
{
    size_t at = slot_of(index, entry->hash);

    while (index->entries[at].route >= 0)
        at = (at + 1) & index->mask;
    index->entries[at] = *entry;
    if (entry->prefix.len > index->prefix_max)
        index->prefix_max = entry->prefix.len;
    index->hosts |= !entry->wildcard;
    index->wildcards |= entry->wildcard && entry->host.len;
}

struct route_index *route_index_new(const struct config *config)
{
    size_t slots = 16;
    struct route_index *index;

    while (slots < 2 * config->routes_len)
        slots *= 2;
    index = mem_alloc(sizeof *index + slots * sizeof index->entries[0]);
    *index = (struct route_index){.mask = slots - 1};
    for (size_t i = 0; i < slots; i++)
        index->entries[i] = (struct entry){.route = -1};
    for (size_t i = 0; i < config->routes_len; i++) {
        struct entry entry = entry_of(&config->routes[i], (int32_t)i);

        add(index, &entry);
    }
    return index;
}

void route_index_free(struct route_index *index)
{
    free(index);
}

/* The prefixes of a path that a route may have, by falling length from the last. */
struct prefixes {
    const char *path;
    size_t len;
    size_t ends[SEGMENTS_MAX + 1];
    uint64_t hashes[SEGMENTS_MAX + 1];
};

static void add_prefix(struct prefixes *prefixes, size_t end, uint64_t hash)
{
    prefixes->ends[prefixes->len] = end;
    prefixes->hashes[prefixes->len++] = hash;
}

static void cut_prefixes(struct prefixes *prefixes, struct str path, size_t max)
{
    uint64_t hash = hash_start;
    size_t i;

    prefixes->path = path.p;
    prefixes->len = 0;
    for (i = 0; i < path.len && i <= max && prefixes->len < SEGMENTS_MAX; i++) {
        if (path.p[i] == '/')
            add_prefix(prefixes, i, hash);
        hash = hash_more(hash, (struct str){path.p + i, 1});
    }
    if (i == path.len && i <= max)
        add_prefix(prefixes, i, hash);
}

static int32_t find_one(const struct route_index *index, struct str host, bool wildcard, struct str prefix,
                        uint64_t hash)
{
    for (size_t at = slot_of(index, hash);; at = (at + 1) & index->mask) {
        const struct entry *entry = &index->entries[at];

        if (entry->route < 0)
            return -1;
        if (entry->hash == hash && entry->wildcard == wildcard && str_eq(entry->host, host) &&
            str_eq(entry->prefix, prefix))
            return entry->route;
    }
}

/* The longest prefix under one host. */
static int32_t find_under(const struct route_index *index, struct str host, bool wildcard,
                          const struct prefixes *prefixes)
{
    uint64_t hash = hash_host(host, wildcard);
    int32_t found = -1;

    for (size_t n = prefixes->len; n-- > 0 && found < 0;)
        found = find_one(index, host, wildcard, (struct str){prefixes->path, prefixes->ends[n]},
                         hash_join(hash, prefixes->hashes[n]));
    return found;
}

int32_t route_index_find(const struct route_index *index, struct str host, struct str path)
{
    struct prefixes prefixes;
    struct str below = host, label;
    int32_t found = -1;

    cut_prefixes(&prefixes, path, index->prefix_max);
    if (index->hosts && host.len)
        found = find_under(index, host, false, &prefixes);
    while (found < 0 && index->wildcards && str_split(&below, '.', &label) && below.len)
        found = find_under(index, below, true, &prefixes);
    return found >= 0 ? found : find_under(index, STR_NULL, true, &prefixes);
}
