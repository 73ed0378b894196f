/*
 * The admin server: HTTP/1.1 with keep-alive on one address, in the control thread's event loop. It takes
 * requests apart and bounds them; what they mean is its handler's business (control/api).
 *
 *   accept -> connection (control/admin_conn) -> handler -> admin_answer
 *                                                        -> admin_hold ... admin_answer
 *                                                        -> admin_stream ... admin_stream_send
 *
 * Limits: ADMIN_CONNECTIONS_MAX connections, of which the longest idle makes room for a new one; 16 KiB of
 * head, 1 MiB of body; time-outs on everything that a client could drag out.
 *
 * Thread: control.
 */
#ifndef CONTROL_ADMIN_H
#define CONTROL_ADMIN_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct head;
struct admin;

enum {
    ADMIN_CONNECTIONS_MAX = 64,
    ADMIN_STREAMS_MAX = 32, /* of the connections */
    ADMIN_HEAD_MAX = 16 << 10,
    ADMIN_BODY_MAX = 1 << 20,
    ADMIN_ANSWER_MAX = 64 << 20,
    ADMIN_STREAM_MAX = 1 << 20, /* bytes that may wait for a slow reader */
    ADMIN_REMOTE_LEN = 64,
};

/* A request that waits for its answer. Everything is borrowed from its connection and valid until it is
 * answered. */
struct admin_request {
    const struct head *head;
    struct str body;
    const char *remote;      /* the client's address without port, or "unix" */
    const char *server_host; /* the address that it came in on, without port; "" for a unix socket */
    bool local;              /* from this machine: loopback or a unix socket */
};

struct admin_answer {
    unsigned status;
    const char *type;   /* Content-Type; NULL: none */
    const char *fields; /* further lines, each ended by CR LF; NULL: none */
    const char *policy; /* such lines, in the place of those by which nothing is kept or run; NULL: those */
    struct text *body;  /* emptied; NULL: none */
};

typedef void admin_handler(void *arg, struct admin_request *request);

/*
 * Binds and listens; requests are served once the loop of `base` runs. A stale unix socket is replaced.
 * Errors: NULL with the address and the reason in `why`.
 */
MUST_CHECK struct admin *admin_open(struct event_base *base, const struct config_address *address,
                                    admin_handler *handler, void *arg, char *why, size_t why_len);
/* The real address: "127.0.0.1:33211", "unix:/run/x.sock". */
const char *admin_text(const struct admin *admin);
/* Closes everything at once; requests on hold and streams are told that they are gone. NULL is allowed. */
void admin_close(struct admin *admin);

/* Answers a request, which is dead afterwards. */
void admin_answer(struct admin_request *request, const struct admin_answer *answer);
/* The handler returns without an answer and gives it later; `gone` is called if the client leaves before. */
void admin_hold(struct admin_request *request, void (*gone)(void *arg), void *arg);

/*
 * Turns the request into an endless answer. `gone` is called when it has ended, from the loop, never from
 * within a call. NULL when there are too many; the request was then answered.
 */
struct admin_stream;
struct admin_stream *admin_stream_open(struct admin_request *request, const char *type,
                                       void (*gone)(void *arg), void *arg);
/* Sends bytes; a reader that has more than ADMIN_STREAM_MAX waiting is dropped. */
void admin_stream_send(struct admin_stream *stream, struct str bytes);
/* Whether bytes still wait for the reader: what can be left out, should be. */
bool admin_stream_waits(const struct admin_stream *stream);

#endif
