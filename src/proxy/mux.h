/*
 * A client's connection that speaks HTTP/2 (RFC 9113). What it says goes to its session (proto/h2); what its
 * streams (proxy/stream) have to say is collected, and leaves with one call at the end of the turn.
 *
 *   FRONT_REST ──a stream begins──> FRONT_MUX ──the last one ends──> FRONT_REST
 *     └── idle time over, the client closes, or nothing more may come ──> LINGER or closed
 *
 * No transaction runs from within the session: its events only note what has happened to a stream, which goes
 * on (stream_go) when the session has returned. A transaction may call for output at any time.
 *
 * Output is never more than `out`: while the socket is full, nothing is asked of the streams and nothing is
 * read from the client. So a client that takes nothing holds a buffer for each stream and one for all.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_MUX_H
#define PROXY_MUX_H

#include "proto/h2.h"
#include "proxy/relay.h"

#include <stdbool.h>

struct front;
struct stream;
struct worker;

struct mux {
    struct front *front;
    struct h2 *h2;
    struct relay_buf out;            /* frames; those between off and len have not been sent */
    struct stream *streams;          /* all */
    struct stream *todo, **todo_end; /* something has happened to them, in order */
    struct stream *dead;             /* freed with the turn */
    struct mux *next_due;
    bool due;     /* in worker->muxes: looked at when the turn ends */
    bool blocked; /* the socket takes no more for now */
    bool broken;  /* or never again */
    bool drains;  /* the first GOAWAY is out, the second follows */
    bool drained; /* it is out too, or the client has said as much */
    bool told;    /* why it has ended */
    bool closed;  /* with its front */
};

/* The front, whose request this would be, speaks HTTP/2 from here on; `first` is what it has said. False when
 * there is no memory for it. May close the front. */
MUST_CHECK bool mux_begin(struct front *front, struct str first);
/* The front's socket is ready. May close the front. */
void mux_on_ready(struct mux *mux, unsigned ready);
/* The front's time is over. May close the front. */
void mux_on_timer(struct mux *mux);
/* The client begins no further streams. */
void mux_on_goaway(struct mux *mux);
/* Takes no further streams; ends when those that are open have ended. */
void mux_drain(struct mux *mux);
/* The front closes: abandons what is under way, without a word to the client. */
void mux_close(struct mux *mux);
/* Frees one whose front is closed, at the end of the turn. */
void mux_free(struct mux *mux);
/* The end of a turn: what is due goes out. */
void muxes_flush(struct worker *worker);

/* The streams of a front; NULL: none, or it does not speak HTTP/2. */
struct stream *mux_streams(const struct front *front);

/* ---- for its streams ---- */

/* It has something to send, or to look at: at the end of the turn. */
void mux_later(struct mux *mux);
/* Moves what streams have to send as far as there is room. */
void mux_pull(struct mux *mux);

#endif
