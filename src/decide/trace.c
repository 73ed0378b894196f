#include "decide/trace.h"

static const double near_capacity = 0.8; /* of it, from which it begins to grow */
static const double slack = 1e-9;        /* shares are decimal numbers in binary */

uint64_t trace_key(struct str key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

bool trace_is_canary(const struct trace_head *head, uint64_t key, uint64_t ordinal, double w)
{
    uint64_t z = key + (head->sticky ? 0 : ordinal) * UINT64_C(0x9e3779b97f4a7c15);

    if (w <= 0)
        return false;
    if (w >= 1)
        return true;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z >> 32 < (uint64_t)(w * 0x1p32);
}

void trace_world_init(struct trace_world *world, const struct trace_head *head)
{
    *world = (struct trace_world){.raised_s = -1, .capacity = head->capacity, .full_s = -1};
}

void trace_world_weight(struct trace_world *world, double t, double from, double to)
{
    if (to > from)
        world->raised_s = t;
}

/* Capacity that follows the load: after some time near its limit it is a factor above the weight. */
static void scale_out(struct trace_world *world, const struct trace_head *head, double t, double w)
{
    if (w <= near_capacity * world->capacity) {
        world->full_s = -1;
        return;
    }
    if (world->full_s < 0)
        world->full_s = t;
    if (t - world->full_s < head->scaleout_s)
        return;
    world->capacity = w * head->scaleout_factor;
    world->full_s = t;
}

bool trace_world_is_alt(struct trace_world *world, const struct trace_head *head, double t, double w)
{
    switch (head->rule) {
    case TRACE_RULE_NONE:
        return false;
    case TRACE_RULE_COLD:
        return world->raised_s >= 0 && t - world->raised_s < head->cold_s;
    case TRACE_RULE_CAPACITY:
        break;
    }
    if (head->scaleout_s > 0)
        scale_out(world, head, t, w);
    return w > world->capacity + slack;
}
