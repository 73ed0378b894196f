/*
 * Frames as they begin: what is counted and refused before the library has read it, since it says nothing of
 * what it passes over: frames of unknown types, and those for streams that it has forgotten. So we find the
 * headers of frames ourselves.
 */
#include "proto/h2_session.h"

enum { CONTINUATIONS_MAX = 8 };

/* ---- where they begin ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void h2_frames_init(struct h2_frames *frames, enum h2_role role)
{
    *frames = (struct h2_frames){.rest = role == H2_SERVER ? NGHTTP2_CLIENT_MAGIC_LEN : 0};
}

size_t h2_frames_find(struct h2_frames *frames, const char *in, size_t len, bool *whole_r)
{
    size_t before = least(frames->rest, len);
    size_t n = least(sizeof frames->header - frames->have, len - before);

    frames->rest -= (uint32_t)before;
    if (n)
        memcpy(frames->header + frames->have, in + before, n);
    frames->have += (uint8_t)n;
    *whole_r = frames->have == sizeof frames->header;
    if (*whole_r)
        return before;
    frames->given = frames->have;
    return len;
}

static uint32_t number(const unsigned char *p, size_t len)
{
    uint32_t value = 0;

    while (len--)
        value = value << 8 | *p++;
    return value;
}

/* Takes the header, which is whole. */
static nghttp2_frame_hd take(struct h2_frames *frames)
{
    const unsigned char *p = frames->header;
    nghttp2_frame_hd hd = {.length = number(p, 3), .type = p[3], .flags = p[4]};

    hd.stream_id = (int32_t)(number(p + 5, 4) & INT32_MAX);
    frames->rest = (uint32_t)(sizeof frames->header - frames->given + hd.length);
    frames->have = frames->given = 0;
    return hd;
}

/* ---- what they are ---- */

/* RFC 9113 sections 5.1 and 5.1.1: a frame of a message is refused when the client has ended its stream, or
 * may not begin it any more. Where it was we who have ended a stream, it was perhaps sent before the client
 * knew, and the library passes it over. */
static enum h2_error order(struct h2 *h2, const nghttp2_frame_hd *hd)
{
    struct h2_past *past = &h2->past;
    bool begins = hd->type == NGHTTP2_HEADERS && hd->stream_id % 2 && hd->stream_id > past->highest;

    if (begins)
        h2_past_begin(past, hd->stream_id);
    else if (hd->type == NGHTTP2_HEADERS && !h2_past_has_begun(past, hd->stream_id))
        return H2_PROTOCOL;
    if (h2_past_has_ended(past, hd->stream_id) && !nghttp2_session_find_stream(h2->session, hd->stream_id))
        return H2_STREAM_CLOSED;
    if (hd->flags & NGHTTP2_FLAG_END_STREAM)
        h2_past_end(past, hd->stream_id);
    return H2_OK;
}

static enum h2_error section(struct h2 *h2, const nghttp2_frame_hd *hd)
{
    bool first = hd->type == NGHTTP2_HEADERS;

    h2->section_wire = first ? hd->length : h2->section_wire + hd->length;
    h2->continuations = first ? 0 : h2->continuations + 1;
    if (h2->section_wire > 2 * (size_t)h2->config.limits.head || h2->continuations > CONTINUATIONS_MAX)
        return H2_CONTINUATIONS;
    return h2_flood_content(&h2->flood, hd->length || hd->flags & NGHTTP2_FLAG_END_HEADERS);
}

/* Those that the library tells of as they begin (h2_events.c) are counted there: when it has seen the peer
 * break a rule, it tells of none. */
enum h2_error h2_frames_begin(struct h2 *h2)
{
    nghttp2_frame_hd hd = take(&h2->frames);
    bool server = h2->config.role == H2_SERVER;
    enum h2_error error = H2_OK;

    switch (hd.type) {
    case NGHTTP2_DATA:
        return server ? order(h2, &hd) : H2_OK;
    case NGHTTP2_HEADERS:
        error = server ? order(h2, &hd) : H2_OK;
        return error ? error : section(h2, &hd);
    case NGHTTP2_CONTINUATION:
        return section(h2, &hd);
    case NGHTTP2_RST_STREAM:
        h2_past_end(&h2->past, hd.stream_id);
        return H2_OK;
    case NGHTTP2_PRIORITY:
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PUSH_PROMISE:
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
    case NGHTTP2_WINDOW_UPDATE:
        return H2_OK;
    case NGHTTP2_PRIORITY_UPDATE:
        return h2_flood_priority(&h2->flood);
    }
    return h2_flood_unknown(&h2->flood);
}
