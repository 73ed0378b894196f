/*
 * A blocking HTTP client for the admin API: what the command line speaks to a running penstock with. One
 * client makes one call at a time and keeps its connection. Thread: the owner's.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "base/bug.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLIENT_WHY_MAX = 512,
    CLIENT_BODY_MAX = 64 << 20, /* bytes of an answer; more is an error */
};

struct client;

struct client_options {
    const char
        *address; /* "127.0.0.1:9901", "[::1]:9901", "http://host:port" or "unix:/run/penstock/admin.sock" */
    const char *token;  /* bearer token, or NULL */
    const char *actor;  /* who asks, for decisions and the audit; NULL: the login name and the host */
    int64_t timeout_ns; /* of a call; 0: 10 s */
};

struct client_answer {
    unsigned status;
    char *body; /* ends in NUL */
    size_t body_len;
    json_t *json; /* the body, when it is JSON; else NULL */
};

/* Copies the options. Errors: NULL with the reason, when the address is none. */
MUST_CHECK struct client *client_new(const struct client_options *options, char why[static CLIENT_WHY_MAX]);
void client_free(struct client *client);

/*
 * Makes a call, for example client_call(c, "PUT", "/v1/routes/web/weight", "application/json", body, &answer,
 * why). `type` and `body` are left out with an empty body (p NULL). Errors: false when there was no answer;
 * `why` says what was tried, what went wrong and what to do. An answer with an error status is an answer: see
 * client_problem. Ownership: the answer is the caller's, client_answer_fini frees what is in it.
 */
MUST_CHECK bool client_call(struct client *client, const char *method, const char *path, const char *type,
                            struct str body, struct client_answer *answer_r, char why[static CLIENT_WHY_MAX]);
void client_answer_fini(struct client_answer *answer);

/* What an answer with an error status says, for people: title, detail and errors of a problem+json, a line
 * each. */
void client_problem(const struct client_answer *answer, char why[static CLIENT_WHY_MAX]);

/*
 * Reads an event stream (GET /v1/stream) until `event` returns false or the connection ends. `name` is the
 * event's name, `data` its JSON, borrowed. Errors: false with the reason; true when `event` ended it.
 */
MUST_CHECK bool client_stream(struct client *client, const char *path,
                              bool (*event)(void *arg, const char *name, const json_t *data), void *arg,
                              char why[static CLIENT_WHY_MAX]);

/* `text` as one segment of a path (percent-encoded), for names. The caller frees it. */
char *client_segment(const char *text);

#endif
