/*
 * A client's connection. HTTP/1.1: reads heads, gives each request to a transaction, carries its answer, and
 * goes on with the next. One request at a time; pipelined ones wait in the receive buffer (RFC 9112
 * section 9.3.2).
 *
 *   GREETS ──PROXY header──> SHAKES ──TLS handshake──> IDLE, where the listener has either
 *
 *   IDLE ──first byte──> HEAD ──whole head──> BUSY ──answer sent──> IDLE (keep-alive)
 *     │                    └───────────────────┴──> LINGER ──> closed
 *     └── idle time over, or the client closes ───────────────> closed
 *
 * An idle connection holds no buffer and no transaction. HTTP/2 is proxy/mux; it begins behind the handshake,
 * where ALPN has chosen it, or in clear text with the first bytes, where the listener lets it.
 */
#ifndef PROXY_FRONT_H
#define PROXY_FRONT_H

#include "net/conn.h"
#include "net/listen.h"
#include "proto/h1.h"
#include "proxy/crowd.h"
#include "proxy/inbound.h"

enum front_state {
    FRONT_GREETS, /* before the first request: the PROXY header is expected */
    FRONT_SHAKES, /* the TLS handshake is under way */
    FRONT_IDLE,   /* between requests */
    FRONT_HEAD,   /* a head is arriving */
    FRONT_BUSY,   /* a transaction has it */
    FRONT_REST,   /* HTTP/2, without a stream */
    FRONT_MUX,    /* HTTP/2, with streams */
    FRONT_LINGER, /* our last answer is out; what still arrives is read away, so that the client can read the
                     answer */
    FRONT_CLOSED, /* freed at the end of this turn of the loop */
};

/* All that is told to somebody who is not listened to. */
#define FRONT_REFUSAL                                                                                        \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"

struct mux;
struct worker;

struct front {
    struct conn conn;
    struct worker *worker;
    struct front *prev, *next; /* in worker->fronts; in dead_fronts when CLOSED */
    union {
        struct front *next_again; /* in worker->again */
        struct mux *mux;          /* with is_mux */
    };
    struct front *idle_prev, *idle_next; /* by the time they became idle, or began to shake */
    enum front_state state : 8;
    bool serving;     /* serve() is on the stack and takes the next request */
    bool again;       /* in worker->again: more requests wait in `in` */
    bool served;      /* a request, or more */
    bool secure;      /* TLS, and the handshake is done */
    bool is_mux : 1;  /* HTTP/2 */
    bool trusted : 1; /* it is a proxy whose word about its client is taken */
    bool exempt : 1;  /* the peer is not counted: it has no address, or one that is let off */
    bool counted : 1; /* among the connections of its address */
    struct crowd_place place;
    uint16_t port;    /* the peer's */
    uint8_t listener; /* in the configuration's listeners, the same over reloads */
    uint8_t ip_len;
    struct inbound in; /* one request after the other */
    char ip[45];       /* the peer's address as text, without NUL */
};

static inline struct str front_ip(const struct front *front)
{
    return (struct str){front->ip, front->ip_len};
}

/* The Strict-Transport-Security line of its answers, with the line end; empty: none. */
struct str front_hsts(const struct front *front);
/* Takes a socket that was accepted on a listener, given by its index. NULL when there is no memory for it
 * within the limits; the socket is then the caller's still. */
MUST_CHECK struct front *front_new(struct worker *worker, size_t listener, int fd,
                                   const struct sockaddr *peer);
/* Ends the connection now, with whatever is going on. */
void front_close(struct front *front);
/* Closes the connection that has been idle longest; false when none is. A request that has arrived and was
 * not looked at is not lost: it makes the connection busy. `spare_fresh`: nor one that has only just come,
 * whose request may be on its way. */
MUST_CHECK bool front_shed(struct worker *worker, bool spare_fresh);
/* Closes the connection whose handshake has been under way longest; false when none is. */
MUST_CHECK bool front_shed_handshake(struct worker *worker);
/* Whether an address is let off from the caps for each address. */
bool front_exempts(const struct config *config, const struct ip *ip);
/* Goes on with the pipelined requests that had to wait for the next turn. */
void front_again(struct front *front);
/* Drain: closes after the answer in progress; when idle, now, unless a request is there already or the client
 * has only just come. */
void front_drain(struct front *front);

/* ---- for proxy/mux ---- */

/* HTTP/2 without streams, or with some. True when that is a change. */
bool front_rests(struct front *front, bool rests);
/* Everything has been said: closes our side, and reads away what still comes. */
void front_linger(struct front *front);

#endif
