/*
 * The content that follows an HTTP/1.1 head (RFC 9112 sections 6 and 7): bytes in, payload slices out,
 * nothing kept.
 *
 *     for (;;) switch (h1_body_feed(&body, in, len, &data, &consumed)) {
 *     H1_BODY_DATA: use `data`, which lies in `in`;  in += consumed; len -= consumed; again
 *     H1_BODY_MORE: in += consumed;                  keep the rest and read more behind it
 *     H1_BODY_DONE: in += consumed;                  the next message begins there; body.trailers holds the
 * trailers H1_BODY_BAD:  body.error                       close the connection
 *     }
 *
 * Chunk extensions are dropped. The trailer section is taken in one piece: until it is complete the call
 * consumes nothing of it and says MORE, and the caller must offer the same bytes again with more behind them;
 * it is never longer than limits->trailer. Trailer fields that frame, route, authenticate or are of this hop
 * (RFC 9110 section 6.5.1), and names with '_' or '.', which could be taken for such, are dropped. Pure; no
 * allocation; one thread.
 */
#ifndef PROTO_H1_BODY_H
#define PROTO_H1_BODY_H

#include "proto/h1.h"

enum h1_body_event {
    H1_BODY_MORE, /* needs bytes behind the unconsumed ones */
    H1_BODY_DATA, /* a piece of payload, at least one byte */
    H1_BODY_DONE, /* the message is complete */
    H1_BODY_BAD,  /* the framing is broken; it stays so */
};

enum h1_body_state {
    H1_BODY_LENGTH,      /* payload, `left` bytes to come */
    H1_BODY_UNTIL_CLOSE, /* payload until the connection ends */
    H1_BODY_SIZE_FIRST,  /* before the first digit of a chunk size */
    H1_BODY_SIZE,        /* behind a digit of it */
    H1_BODY_EXT_NAME,    /* before the name of a chunk extension */
    H1_BODY_EXT,         /* in a chunk extension */
    H1_BODY_EXT_QUOTED,  /* in its quoted value */
    H1_BODY_EXT_ESCAPED, /* behind a backslash there */
    H1_BODY_SIZE_LF,     /* before the LF of a chunk line */
    H1_BODY_CHUNK,       /* payload of a chunk, `left` bytes to come */
    H1_BODY_CHUNK_CR,    /* before the CR behind chunk data */
    H1_BODY_CHUNK_LF,    /* before the LF behind chunk data */
    H1_BODY_TRAILERS,    /* at the front of the trailer section */
    H1_BODY_COMPLETE,    /* nothing to come */
    H1_BODY_BROKEN,      /* `error` says why */
};

struct h1_body {
    const struct h1_limits *limits; /* borrowed */
    enum h1_body_state state;
    enum h1_error error;
    uint64_t left;           /* payload bytes to come, of the content or of the chunk */
    uint64_t received;       /* payload bytes so far */
    uint64_t overhead;       /* other bytes so far */
    uint32_t digits;         /* of the chunk size in progress */
    uint32_t extension_len;  /* bytes of the extensions of the chunk in progress */
    uint32_t extensions_len; /* of all chunks */
    struct h1_scan scan;     /* of the trailer section */

    struct field *trailers; /* the caller's array, or NULL to drop trailers (they are checked all the same) */
    size_t trailers_cap;
    size_t trailers_len; /* set at DONE; the slices lie in the input of that call */
    bool ends;           /* h1_body_end */
};

/* `limits` is borrowed for the life of the body. For FRAMING_NONE the first feed is DONE. */
void h1_body_init(struct h1_body *body, enum framing framing, uint64_t content_length,
                  const struct h1_limits *limits);
/* Asks for the trailers, in an array that lives as long as the body; what does not fit is refused, so give it
 * limits->trailer_fields. */
void h1_body_want_trailers(struct h1_body *body, struct field *fields, size_t cap);

/* One step; see above. `in` may be empty. `*consumed_r` is always set, `*data_r` only with DATA. */
MUST_CHECK enum h1_body_event h1_body_feed(struct h1_body *body, const char *in, size_t len,
                                           struct str *data_r, size_t *consumed_r);
/* How many bytes of plain payload come next, whatever they are: all that is left of content with a length,
 * else 0. They may pass elsewhere, as long as h1_body_pass is told. */
uint64_t h1_body_plain(const struct h1_body *body);
/* `len` of them, at most, have passed. */
void h1_body_pass(struct h1_body *body, uint64_t len);
/* Until the connection closes: what has been fed, and what is offered from now on, is all of it. For content
 * whose end is told by other means. */
static inline void h1_body_end(struct h1_body *body)
{
    body->ends = true;
}
/* The connection ended: whether the message is complete; else it was cut short. */
MUST_CHECK bool h1_body_eof(const struct h1_body *body);
/* Whether nothing is to come, so that the next feed will be DONE without input. */
static inline bool h1_body_complete(const struct h1_body *body)
{
    return body->state == H1_BODY_COMPLETE;
}

#endif
