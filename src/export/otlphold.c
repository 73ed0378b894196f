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
    uint32_t weight;
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

static bool is_canary(const struct accesslog_mark *mark)
{
    return mark->facts & ACCESSLOG_CANARY;
}

bool otlphold_note(struct otlphold *hold, const struct accesslog_mark *mark, int64_t now_ns)
{
    struct known *known = &hold->known[mark->route % OTLPHOLD_ROUTES];
    bool fell;

    if (known->route != mark->route)
        *known = (struct known){.route = mark->route, .weight = mark->weight};
    fell = mark->weight < known->weight;
    if (fell)
        known->fell_ns = now_ns;
    known->weight = mark->weight;
    return fell;
}

bool otlphold_is_wanted(const struct otlphold *hold, const struct accesslog_mark *mark, int64_t now_ns)
{
    const struct known *known = &hold->known[mark->route % OTLPHOLD_ROUTES];

    return is_canary(mark) && known->route == mark->route && known->fell_ns &&
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

unsigned otlphold_keep(struct otlphold *hold, const struct accesslog_mark *mark, struct str line,
                       int64_t now_ns)
{
    unsigned lost = 0;
    struct held *held;

    if (!is_canary(mark))
        return 1;
    while (hold->len > 0 && must_go(hold, line.len, now_ns))
        lost += forget_first(hold);
    held = &hold->held[(hold->first + hold->len++) % OTLPHOLD_LINES];
    *held = (struct held){mem_strndup(line.p, line.len), line.len, now_ns, mark->route};
    hold->bytes += line.len;
    return lost;
}

size_t otlphold_take(struct otlphold *hold, const struct accesslog_mark *mark, int64_t now_ns, char *line,
                     size_t cap)
{
    for (size_t i = 0; i < hold->len; i++) {
        struct held *held = &hold->held[(hold->first + i) % OTLPHOLD_LINES];
        size_t len = held->len;

        if (!held->bytes || held->route != mark->route || now_ns - held->at_ns >= OTLPHOLD_NS || len > cap)
            continue;
        memcpy(line, held->bytes, len);
        free(held->bytes);
        held->bytes = NULL;
        hold->bytes -= len;
        return len;
    }
    return 0;
}
