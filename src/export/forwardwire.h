/*
 * The messages of Fluentd's forward protocol, version 1: what is sent, and what a server answers.
 * Source: github.com/fluent/fluentd, wiki, Forward Protocol Specification v1. Thread: any; pure, but for
 * random salt.
 */
#ifndef EXPORT_FORWARDWIRE_H
#define EXPORT_FORWARDWIRE_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORWARDWIRE_ID = 24, FORWARDWIRE_ANSWER_MAX = 8 * 1024, FORWARDWIRE_PING_MAX = 2 * 1024 };

/* One entry: the time of a line of ours and its record; a line that is no JSON is a record {"log": line}.
 * False when it has no room. `line` is without its LF. */
MUST_CHECK bool forwardwire_entry(struct buf *out, struct str line, int64_t now_wall_ns);
/* What such an entry needs at most. */
static inline size_t forwardwire_entry_max(size_t line_len)
{
    return 3 * line_len + 64;
}
/* A whole PackedForward message around entries (or a CompressedPackedForward one), which asks for an
 * acknowledgement of `id`. Owned by the caller; *len_r bytes. */
char *forwardwire_message(const struct config_forward *conf, struct str entries, uint32_t count,
                          struct str id, size_t *len_r);

/* What a server says. */
enum forwardwire_kind {
    FORWARDWIRE_MORE, /* nothing whole yet */
    FORWARDWIRE_ACK,  /* text: the id */
    FORWARDWIRE_HELO, /* text: the nonce; flag: a user and a password are asked for (auth is their salt) */
    FORWARDWIRE_PONG, /* flag: we are let in; else text says why not; auth: the server's name */
    FORWARDWIRE_BAD,
};
struct forwardwire_answer {
    enum forwardwire_kind kind;
    struct str text, auth;
    struct str digest; /* of PONG: over salt, the server's name, nonce and key */
    bool flag;
    size_t len; /* of the message */
};
/* The first message in `in`; texts are borrowed from it. */
struct forwardwire_answer forwardwire_read(struct str in);

/* How we prove that we know the key, and see that the server does. */
struct forwardwire_proof {
    char salt[16];
    char nonce[256];
    size_t nonce_len;
};
/* The PING that answers a HELO. False when the server's nonce is too long, or there is no room. */
MUST_CHECK bool forwardwire_ping(const struct config_forward *conf, struct str host,
                                 const struct forwardwire_answer *helo, struct forwardwire_proof *proof,
                                 struct buf *out);
/* Whether a PONG comes from somebody who knows the key. */
MUST_CHECK bool forwardwire_is_genuine(const struct config_forward *conf,
                                       const struct forwardwire_proof *proof,
                                       const struct forwardwire_answer *pong);

#endif
