/*
 * The inside of an HTTP/2 session, for the files of proto/h2: h2.c (life, input, output), h2_frames.c (frames
 * as they begin), h2_events.c (what the library tells us), h2_send.c (what the owner sends). Thread: the
 * session's.
 */
#ifndef PROTO_H2_SESSION_H
#define PROTO_H2_SESSION_H

#include "proto/h2.h"
#include "proto/h2_flood.h"
#include "proto/h2_mem.h"
#include "proto/h2_past.h"
#include "proto/h2_section.h"

#include <nghttp2/nghttp2.h>

enum { H2_FRAME_HEADER = 9, H2_GOAWAY_LEN = H2_FRAME_HEADER + 8 };

/* Where the input stands. */
struct h2_frames {
    uint32_t rest; /* bytes before the next header */
    uint8_t have;  /* of it */
    uint8_t given; /* of these, those that the library has been given */
    unsigned char header[H2_FRAME_HEADER];
};

struct h2 {
    struct h2_config config;
    const struct h2_events *events;
    void *owner;
    nghttp2_session *session;
    struct h2_mem mem;
    struct h2_flood flood;
    struct h2_past past; /* a server's */
    struct h2_frames frames;
    struct h2_counts counts;
    int64_t now_ns; /* of the last h2_feed */
    enum h2_error error;
    bool busy;      /* an entry of the library is on the stack, so events may come */
    bool settled;   /* the streams know of the error */
    bool draining;  /* we take no more */
    bool peer_done; /* the peer has said GOAWAY */
    bool ready;     /* the peer's SETTINGS have come */
    bool spoken;    /* something was given to be written, our preface first */

    struct h2_stream *streams; /* owned */
    uint32_t live;             /* their number */
    struct h2_section section; /* the field section that is coming */
    size_t section_wire;       /* its bytes so far, compressed */
    uint32_t continuations;    /* its frames so far, but the first */
    bool section_skipped;      /* of a stream that is refused */

    /* output */
    const uint8_t *pending; /* of the library, valid until it is called again */
    size_t pending_len;
    char *out; /* during h2_gather */
    size_t out_cap, out_len;
    char goaway[H2_GOAWAY_LEN];
    size_t goaway_sent;
};

/* Notes the reason, once; the streams hear of it when the library is not on the stack. */
void h2_fail(struct h2 *h2, enum h2_error error);
void h2_frames_init(struct h2_frames *frames, enum h2_role role);
/* How many bytes of the input stand before the header that has become whole with it (`*whole_r`); else all of
 * them. */
MUST_CHECK size_t h2_frames_find(struct h2_frames *frames, const char *in, size_t len, bool *whole_r);
/* Counts the frame whose header is whole. H2_OK or why the session is to be ended. The library must have been
 * given everything before it. */
MUST_CHECK enum h2_error h2_frames_begin(struct h2 *h2);
/* The callbacks of h2_events.c and h2_send.c. */
void h2_events_set(nghttp2_session_callbacks *callbacks);
void h2_send_set(nghttp2_session_callbacks *callbacks);
/* A stream in the list of those that are owned; NULL when there is no memory. */
MUST_CHECK struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id, void *user);
/* The owned stream of this id, or NULL. */
struct h2_stream *h2_stream_find(const struct h2 *h2, int32_t id);

#endif
