/*
 * An HTTP/2 session (RFC 9113): bytes in, bytes out, events to its owner. Both roles: a server takes
 * requests, a client makes them. The frames and HPACK are libnghttp2's; what a proxy has to check beyond
 * that, the limits and the accounts of floods are ours. No socket, clock or thread.
 *
 *     h2 = h2_new(&config, &events, owner, now_ns)
 *     error = h2_feed(h2, in, len, now_ns)      after each read; the events come from here
 *     n = h2_gather(h2, out, cap)               while h2_has_output: write these; `content` comes from here
 *     h2_free(&h2)
 *
 * Events. Each stream is told in this order: `head` (of a response perhaps several, interim ones first),
 * `data` any number of times, `end`. At any time `reset` may come instead, and nothing after it. A stream
 * that has never had a `head` (it was malformed in a way that RFC 9113 section 8.1.1 wants reset) is never
 * heard of. From within an event the owner may call everything but h2_feed, h2_gather and h2_free.
 *
 * Streams. A stream belongs to its owner from its `head` (server) or h2_request (client) until h2_release,
 * also after `reset`. What it holds of the peer counts as concurrent until then, so that a client cannot have
 * more work under way by resetting what it asked for.
 *
 * Heads are of the same form as those of HTTP/1.1 (proto/head.h), with the same facts, and have passed the
 * same checks, so that what is sent on by them in HTTP/1.1 is one message and the one that was meant (RFC
 * 9113 section 10.3). A head and its slices belong to the stream; they live until the next head of that
 * stream, h2_head_drop or h2_release.
 *
 * Flow control. Content that has come counts against the windows until h2_consume says that it has gone on;
 * so never more than the windows of config is there to be kept. Content that is to be sent is asked for when
 * the peer's windows have room for it.
 *
 * Memory. All of a session is drawn from its allocator (h2_mem.h), which has a maximum and may draw from a
 * budget. Who exceeds it ends with H2_MEMORY.
 *
 * Thread: one session, one thread.
 */
#ifndef PROTO_H2_H
#define PROTO_H2_H

#include "base/budget.h"
#include "proto/h1_error.h"
#include "proto/h1_limits.h"
#include "proto/h2_error.h"
#include "proto/head.h"

struct h2;
struct h2_blocks;

enum h2_role {
    H2_SERVER,
    H2_CLIENT,
};

struct h2_config {
    enum h2_role role;
    /* Of heads and trailers, with the meaning that they have in HTTP/1.1: start_line is the most that method
     * and path may have together, `head` counts name, value and 4 bytes for each field. */
    struct h1_limits limits;
    uint32_t streams;         /* server: most at a time */
    uint32_t streams_total;   /* server: most on one session, after which it drains; 0: no limit */
    uint32_t window;          /* of a stream: bytes that may be unconsumed, 65535 to 2^31-1 */
    uint32_t session_window;  /* of all streams together, likewise */
    bool extended_connect;    /* server: WebSockets are taken (RFC 8441) */
    size_t memory;            /* bytes that the session may hold */
    struct budget *budget;    /* that it draws them from; NULL: none */
    struct h2_blocks *blocks; /* that small ones come from, borrowed; NULL: none */
};

/* 64 KiB a stream, 1 MiB a session (server only), 100 streams at a time, 10,000 in all, 8 MiB of memory, and
 * the limits of HTTP/1.1. */
extern const struct h2_config h2_server_config;
extern const struct h2_config h2_client_config;

/* A request or response, from the time when the owner gets to know it until h2_release. */
struct h2_stream {
    struct h2 *h2;
    void *user; /* the owner's */
    int32_t id;
    struct head *head;      /* the last one that came; NULL before, and after h2_head_drop */
    struct field *trailers; /* with `end` */
    size_t trailers_len;
    uint32_t unconsumed; /* bytes of content that have come and were not consumed */
    bool ended;          /* the peer has sent everything */
    bool finished;       /* all that we send was given */
    bool closed;         /* the stream is no more; what is sent is dropped */
    /* Private. */
    enum method method;
    bool head_done;         /* the final head has come */
    bool by_peer;           /* it was the peer that has reset it */
    bool in_content;        /* the event is on the stack */
    bool has_trailers;      /* and was given some */
    struct h2_block *block; /* what head lies in */
    struct h2_block *trailer_block;
    struct h2_stream *prev, *next;
};

struct h2_events {
    /*
     * A head has come, and lies in stream->head. Server: `error` is H1_OK, or why the request must be refused
     * with the status of that row; the head then holds what was valid, for the log. Client: likewise, and
     * what is wrong is a bad response. With an error the stream is still to be answered (or reset) and
     * released.
     */
    void (*head)(void *owner, struct h2_stream *stream, enum h1_error error);
    /* Content, at least one byte, that lives as long as the input of h2_feed. */
    void (*data)(void *owner, struct h2_stream *stream, struct str data);
    /* All has come. Trailers (stream->trailers) are those that may be sent on. */
    void (*end)(void *owner, struct h2_stream *stream);
    /* From h2_feed, h2_gather or h2_end. The stream is over before its end, in either direction: with the
     * peer's code (by_peer), or because the peer has broken a rule. REFUSED_STREAM, by RST_STREAM or GOAWAY:
     * the peer has done nothing of it. */
    void (*reset)(void *owner, struct h2_stream *stream, uint32_t code, bool by_peer);
    /*
     * Copies up to `max` bytes of content to send into `out` and says how many; 0 and no end: there is none
     * now, h2_wake tells when there is. `*end_r` (false before the call): nothing follows; trailers, if any,
     * are given by h2_trailers from within this call. May be NULL where nothing is sent with content.
     */
    size_t (*content)(void *owner, struct h2_stream *stream, char *out, size_t max, bool *end_r);
    /* The peer begins no further stream (client) or takes none (server's GOAWAY): those above its last id
     * hear of a reset with REFUSED_STREAM behind this. May be NULL. */
    void (*goaway)(void *owner, uint32_t code);
    /* The peer's settings have come, so h2_room may have changed. May be NULL. */
    void (*settings)(void *owner);
    /* The answer to h2_ping. May be NULL. */
    void (*pong)(void *owner);
};

/* A session that has its own preface and SETTINGS to send. `config` is copied, `events` borrowed for its
 * life. NULL when there is no memory for it. */
MUST_CHECK struct h2 *h2_new(const struct h2_config *config, const struct h2_events *events, void *owner,
                             int64_t now_ns);
/* Ends it without a word; streams that were not released are gone with it. Nulls the pointer, which may be
 * NULL. */
void h2_free(struct h2 **h2);
/* `now_ns` is any monotonic time. When this is not H2_OK the session has ended: every stream was reset, what
 * h2_gather still gives (GOAWAY is in it) is to be written, and the connection closed. It stays so. Some
 * breaches of the protocol come to light in h2_gather only, which therefore follows each feed, and h2_ended
 * after it. */
MUST_CHECK enum h2_error h2_feed(struct h2 *h2, const char *in, size_t len, int64_t now_ns);
/* Whether h2_gather has something to give. */
MUST_CHECK bool h2_has_output(const struct h2 *h2);
/* Writes frames into [out, out + cap), at least H2_GATHER_MIN bytes, and says how many bytes; 0: there are
 * none now. */
MUST_CHECK size_t h2_gather(struct h2 *h2, char *out, size_t cap);
enum { H2_GATHER_MIN = 1024 };
/* Why it has ended; H2_OK while it has not. */
enum h2_error h2_ended(const struct h2 *h2);
/* Ends it now, for a reason of ours: as with an error of h2_feed. */
void h2_end(struct h2 *h2, enum h2_error error);
/* Server: takes no further streams, says so in time for those that are on their way (RFC 9113 section 6.8:
 * GOAWAY twice; the second by h2_drain_now, after a round trip or so), and goes on with those that it has. */
void h2_drain(struct h2 *h2);
void h2_drain_now(struct h2 *h2);
/* Whether no stream will be begun any more, by GOAWAY of either side or because ids are used up; when no
 * stream is left either, the connection can be closed. */
bool h2_is_draining(const struct h2 *h2);
/* Streams that are owned. */
uint32_t h2_live(const struct h2 *h2);
/* Asks for a sign of life: `pong`. */
void h2_ping(struct h2 *h2);
/* Bytes that it holds. */
size_t h2_memory(const struct h2 *h2);

/* What has come and was refused, for counters. */
struct h2_counts {
    uint64_t streams;   /* begun by the peer */
    uint64_t malformed; /* reset because of what the peer sent */
    uint64_t refused;   /* reset because there were too many */
    uint64_t resets;    /* reset by the peer */
};
const struct h2_counts *h2_counts(const struct h2 *h2);

/* ---- client ---- */

/* How many requests can be made now: what the peer allows (100 before its SETTINGS), less what is under way.
 * 0 when draining. */
MUST_CHECK uint32_t h2_room(const struct h2 *h2);
/* Whether the peer has said that it takes none for now (SETTINGS_MAX_CONCURRENT_STREAMS 0), and may say
 * otherwise. */
MUST_CHECK bool h2_is_shut(const struct h2 *h2);

struct h2_request {
    struct str method;
    struct str scheme; /* "http" or "https" */
    struct str authority;
    struct str path;
    struct str query;    /* with its '?', or empty */
    struct str protocol; /* of an extended CONNECT; else empty */
};

/*
 * Makes a request. Of `fields` (set by field_set) those with FIELD_HOP and those that HTTP/2 forbids are left
 * out, names get lower case, `te: trailers` stays. `content`: content or trailers follow, which `content` is
 * asked for. NULL: h2_room is 0, a field could break out of its place, or there is no memory (then h2_ended
 * says so).
 */
MUST_CHECK struct h2_stream *h2_request(struct h2 *h2, const struct h2_request *request,
                                        const struct field *fields, size_t len, bool content, void *user);

/* ---- server ---- */

/* Sends an interim head; the fields as for h2_request. False: as NULL there. */
MUST_CHECK bool h2_interim(struct h2_stream *stream, unsigned status, const struct field *fields, size_t len);
/* Sends the final head. `content`: content or trailers follow. */
MUST_CHECK bool h2_respond(struct h2_stream *stream, unsigned status, const struct field *fields, size_t len,
                           bool content);
/* The time for an answer is over, since the peer has not taken what there is of it: resets the stream, and
 * ends the session (H2_STALLS) of a peer whose windows had no room for too many. No event follows of this
 * stream. */
void h2_stall(struct h2_stream *stream);

/* ---- both ---- */

/* From within `content`, before it says that nothing follows: fields behind the content. */
MUST_CHECK bool h2_trailers(struct h2_stream *stream, const struct field *fields, size_t len);
/* There is content to send, after `content` had none. */
void h2_wake(struct h2_stream *stream);
/* That many bytes of content have gone on; at most stream->unconsumed. */
void h2_consume(struct h2_stream *stream, uint32_t len);
/* The head that has come is not needed any more. */
void h2_head_drop(struct h2_stream *stream);
/* Ends the stream with this code. No event follows. */
void h2_reset(struct h2_stream *stream, enum h2_code code);
/*
 * The owner is done with the stream, which is gone now. What the peer still sends is dropped. A server that
 * has sent its whole answer while the request was still coming says so with NO_ERROR (RFC 9113 section 8.1);
 * else a stream that is not over is reset with CANCEL.
 */
void h2_release(struct h2_stream *stream);

#endif
