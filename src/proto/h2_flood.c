#include "proto/h2_flood.h"

enum { S_NS = 1000000000 };

static void fill(struct h2_bucket *bucket, uint32_t cap, uint32_t per_s, int64_t now_ns)
{
    int64_t step_ns = S_NS / per_s;
    int64_t steps = now_ns > bucket->since_ns ? (now_ns - bucket->since_ns) / step_ns : 0;

    if (steps >= cap - bucket->left) {
        bucket->left = cap;
        bucket->since_ns = now_ns;
    } else {
        bucket->left += (uint32_t)steps;
        bucket->since_ns += steps * step_ns;
    }
}

static bool draw(struct h2_bucket *bucket, uint32_t cap, uint32_t per_s, int64_t now_ns)
{
    if (bucket->left < cap)
        fill(bucket, cap, per_s, now_ns);
    else
        bucket->since_ns = now_ns;
    if (bucket->left == 0)
        return false;
    bucket->left--;
    return true;
}

void h2_flood_init(struct h2_flood *flood, int64_t now_ns)
{
    *flood = (struct h2_flood){
        .resets = {now_ns, H2_FLOOD_RESETS},
        .settings = {now_ns, H2_FLOOD_SETTINGS},
        .pings = {now_ns, H2_FLOOD_PINGS},
    };
}

enum h2_error h2_flood_reset(struct h2_flood *flood, int64_t now_ns)
{
    return draw(&flood->resets, H2_FLOOD_RESETS, H2_FLOOD_RESETS_PER_S, now_ns) ? H2_OK : H2_RESETS;
}

enum h2_error h2_flood_settings(struct h2_flood *flood, int64_t now_ns)
{
    return draw(&flood->settings, H2_FLOOD_SETTINGS, H2_FLOOD_SETTINGS_PER_S, now_ns) ? H2_OK : H2_SETTINGS;
}

enum h2_error h2_flood_ping(struct h2_flood *flood, int64_t now_ns)
{
    return draw(&flood->pings, H2_FLOOD_PINGS, H2_FLOOD_PINGS_PER_S, now_ns) ? H2_OK : H2_PINGS;
}

enum h2_error h2_flood_priority(struct h2_flood *flood)
{
    return ++flood->priorities > H2_FLOOD_PRIORITIES * (1 + flood->streams) ? H2_PRIORITIES : H2_OK;
}

enum h2_error h2_flood_unknown(struct h2_flood *flood)
{
    uint64_t most = H2_FLOOD_UNKNOWN + H2_FLOOD_UNKNOWN_PER_STREAM * flood->streams;

    return ++flood->unknown > most ? H2_UNKNOWN : H2_OK;
}

enum h2_error h2_flood_window_update(struct h2_flood *flood)
{
    uint64_t most = H2_FLOOD_WINDOW_UPDATES + H2_FLOOD_WINDOW_UPDATES_PER_STREAM * flood->streams +
                    H2_FLOOD_WINDOW_UPDATES_PER_DATA * flood->data;

    return ++flood->window_updates > most ? H2_WINDOW_UPDATES : H2_OK;
}

enum h2_error h2_flood_stall(struct h2_flood *flood)
{
    uint64_t most = H2_FLOOD_STALLS + flood->streams / H2_FLOOD_STREAMS_PER_STALL;

    return ++flood->stalls > most ? H2_STALLS : H2_OK;
}

enum h2_error h2_flood_content(struct h2_flood *flood, bool brings)
{
    if (brings)
        flood->empty = 0;
    else if (++flood->empty > H2_FLOOD_EMPTY)
        return H2_EMPTY_FRAMES;
    return H2_OK;
}

void h2_flood_data(struct h2_flood *flood, bool sent)
{
    flood->data += sent;
    if (flood->pings.left < H2_FLOOD_PINGS)
        flood->pings.left++;
}
