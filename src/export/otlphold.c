#include "export/otlphold.h"

#include "base/mem.h"

#include <stdlib.h>

struct held {
    char *bytes; /* NULL: taken */
    size_t len;
    int64_t at_ns;
    uint64_t route;
};

/* What is known of a route. */
struct known {
    uint64_t route; /* 0: nothing */
    uint64_t weight;
    int64_t fell_ns; /* 0: never */
};

struct otlphold {
    struct held held[OTLPHOLD_LINES]; /* a ring */
    size_t first, len, bytes;
    struct known known[OTLPHOLD_ROUTES];
};

struct otlphold *otlphold_new(void)
{
    return mem_zalloc(sizeof(struct otlphold));
}

void otlphold_free(struct otlphold *hold)
{
    for (size_t i = 0; hold && i < OTLPHOLD_LINES; i++)
        free(hold->held[i].bytes);
    free(hold);
}

/* FNV-1a of the route's name, never 0. */
static uint64_t route_of(const struct logread *read)
{
    struct str name = read->at[LOGFIELD_ROUTE];
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    return hash | 1;
}

static bool is_canary(const struct logread *read)
{
    return str_eq(read->at[LOGFIELD_SIDE], STR("\"canary\""));
}

/* 12.50 as 1250. */
static bool read_weight(const struct logread *read, uint64_t *weight_r)
{
    struct str rest = read->at[LOGFIELD_WEIGHT], whole;
    uint64_t hundredths;

    if (!rest.len || !str_split(&rest, '.', &whole) || rest.len != 2 || !str_to_u64(whole, weight_r) ||
        !str_to_u64(rest, &hundredths))
        return false;
    *weight_r = *weight_r * 100 + hundredths;
    return true;
}

bool otlphold_note(struct otlphold *hold, const struct logread *read, int64_t now_ns)
{
    uint64_t route = route_of(read), weight;
    struct known *known = &hold->known[route % OTLPHOLD_ROUTES];
    bool fell;

    if (!read_weight(read, &weight))
        return false;
    if (known->route != route)
        *known = (struct known){.route = route, .weight = weight};
    fell = weight < known->weight;
    if (fell)
        known->fell_ns = now_ns;
    known->weight = weight;
    return fell;
}

bool otlphold_is_wanted(const struct otlphold *hold, const struct logread *read, int64_t now_ns)
{
    uint64_t route = route_of(read);
    const struct known *known = &hold->known[route % OTLPHOLD_ROUTES];

    return is_canary(read) && known->route == route && known->fell_ns &&
           now_ns - known->fell_ns < OTLPHOLD_NS;
}

/* True when the line had not been taken. */
static bool forget_first(struct otlphold *hold)
{
    struct held *held = &hold->held[hold->first];
    bool lost = held->bytes != NULL;

    if (lost)
        hold->bytes -= held->len;
    free(held->bytes);
    *held = (struct held){0};
    hold->first = (hold->first + 1) % OTLPHOLD_LINES;
    hold->len--;
    return lost;
}

static bool must_go(const struct otlphold *hold, size_t more, int64_t now_ns)
{
    return hold->len == OTLPHOLD_LINES || hold->bytes + more > OTLPHOLD_BYTES ||
           now_ns - hold->held[hold->first].at_ns >= OTLPHOLD_NS;
}

unsigned otlphold_keep(struct otlphold *hold, const struct logread *read, struct str line, int64_t now_ns)
{
    unsigned lost = 0;
    struct held *held;

    if (!is_canary(read))
        return 1;
    while (hold->len > 0 && must_go(hold, line.len, now_ns))
        lost += forget_first(hold);
    held = &hold->held[(hold->first + hold->len++) % OTLPHOLD_LINES];
    *held = (struct held){mem_strndup(line.p, line.len), line.len, now_ns, route_of(read)};
    hold->bytes += line.len;
    return lost;
}

size_t otlphold_take(struct otlphold *hold, const struct logread *read, int64_t now_ns, char *line,
                     size_t cap)
{
    uint64_t route = route_of(read);

    for (size_t i = 0; i < hold->len; i++) {
        struct held *held = &hold->held[(hold->first + i) % OTLPHOLD_LINES];
        size_t len = held->len;

        if (!held->bytes || held->route != route || now_ns - held->at_ns >= OTLPHOLD_NS || len > cap)
            continue;
        memcpy(line, held->bytes, len);
        free(held->bytes);
        held->bytes = NULL;
        hold->bytes -= len;
        return len;
    }
    return 0;
}
