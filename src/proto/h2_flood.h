/*
 * The accounts of an HTTP/2 session: frames that cost us more than they cost the peer, each with a limit that
 * no honest peer comes near. Time and frames in, H2_OK or the reason to end the session out. Pure.
 *
 * Limits that concern one frame or field section are kept where these are read (h2.c, h2_section.c).
 */
#ifndef PROTO_H2_FLOOD_H
#define PROTO_H2_FLOOD_H

#include "proto/h2_error.h"

enum {
    /* Streams that the peer resets, and those that we reset because of what it sent (CVE-2023-44487,
     * CVE-2025-8671): a burst, and so many a second. */
    H2_FLOOD_RESETS = 200,
    H2_FLOOD_RESETS_PER_S = 33,
    /* SETTINGS (CVE-2019-9515). */
    H2_FLOOD_SETTINGS = 50,
    H2_FLOOD_SETTINGS_PER_S = 1,
    /* PING (CVE-2019-9512); each DATA frame of either side earns one more, since some peers probe with them.
     */
    H2_FLOOD_PINGS = 1000,
    H2_FLOOD_PINGS_PER_S = 100,
    /* PRIORITY and PRIORITY_UPDATE: for each stream, and as many at the beginning. */
    H2_FLOOD_PRIORITIES = 100,
    /* Frames of unknown types, which are passed over: so many at the beginning, and for each stream. */
    H2_FLOOD_UNKNOWN = 100,
    H2_FLOOD_UNKNOWN_PER_STREAM = 10,
    /* WINDOW_UPDATE: so many at the beginning; for each stream; for each DATA frame that we have sent. */
    H2_FLOOD_WINDOW_UPDATES = 100,
    H2_FLOOD_WINDOW_UPDATES_PER_STREAM = 4,
    H2_FLOOD_WINDOW_UPDATES_PER_DATA = 20,
    /* Answers that the peer leaves no room for until their time is over, one of which is reset each time: so
     * many at the beginning, and one for so many streams. */
    H2_FLOOD_STALLS = 20,
    H2_FLOOD_STREAMS_PER_STALL = 10,
    /* Frames in a row that bring nothing and end nothing (CVE-2019-9518). */
    H2_FLOOD_EMPTY = 10,
};

/* A bucket that fills with time. */
struct h2_bucket {
    int64_t since_ns;
    uint32_t left;
};

struct h2_flood {
    struct h2_bucket resets, settings, pings;
    uint64_t streams;        /* begun so far */
    uint64_t data;           /* DATA frames sent so far */
    uint64_t priorities;     /* so far */
    uint64_t unknown;        /* so far */
    uint64_t window_updates; /* so far */
    uint64_t stalls;         /* so far */
    uint32_t empty;          /* in a row */
};

void h2_flood_init(struct h2_flood *flood, int64_t now_ns);

MUST_CHECK enum h2_error h2_flood_reset(struct h2_flood *flood, int64_t now_ns);
MUST_CHECK enum h2_error h2_flood_settings(struct h2_flood *flood, int64_t now_ns);
MUST_CHECK enum h2_error h2_flood_ping(struct h2_flood *flood, int64_t now_ns);
MUST_CHECK enum h2_error h2_flood_priority(struct h2_flood *flood);
MUST_CHECK enum h2_error h2_flood_unknown(struct h2_flood *flood);
MUST_CHECK enum h2_error h2_flood_window_update(struct h2_flood *flood);
MUST_CHECK enum h2_error h2_flood_stall(struct h2_flood *flood);
/* A frame that could bring content or fields has come: whether it did, or ended something. */
MUST_CHECK enum h2_error h2_flood_content(struct h2_flood *flood, bool brings);
/* A DATA frame has come or was sent. */
void h2_flood_data(struct h2_flood *flood, bool sent);

#endif
