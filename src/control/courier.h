/*
 * HTTP requests of control to others: webhooks, and the queries of external metrics. They are made by libcurl
 * in a thread of its own, which begins with the first of them, so that neither a name that is not found nor a
 * server that does not answer ever holds up control; the answers come back through courier_look. Redirects
 * are not followed; the proxies that the environment names are used, as curl does.
 *
 * Thread: control, for all that is declared here.
 */
#ifndef CONTROL_COURIER_H
#define CONTROL_COURIER_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct courier;

enum {
    COURIER_CALLS_MAX = 64,  /* under way */
    COURIER_TEXT_MAX = 160,  /* bytes with NUL, of what is kept of an answer for people */
    COURIER_HEADERS_MAX = 8, /* of a request */
};

struct courier_answer {
    unsigned status;             /* 0: there was no whole answer in time */
    int64_t retry_after_ns;      /* asked for by Retry-After in seconds; 0: it was not */
    char text[COURIER_TEXT_MAX]; /* why there is none, or how its content begins, in printable ASCII */
    struct str content;          /* of a request with content_max, as it came; else empty */
};
/* 2xx. */
static inline bool courier_is_yes(const struct courier_answer *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

/* The answer is valid during the call only. */
typedef void courier_done(void *arg, const struct courier_answer *answer);

/* Everything is copied. */
struct courier_request {
    const char *method; /* NULL: POST */
    const char *url;
    const char *headers[COURIER_HEADERS_MAX]; /* lines, "Content-Type: application/json"; NULL: no more */
    struct str body;
    int64_t timeout_ns;          /* for the whole of it */
    size_t content_max;          /* bytes; a longer answer is none. 0: the content is not kept */
    const char *user, *password; /* NULL: none */
    const char *aws;             /* they are keys that sign: "aws:amz:REGION:SERVICE"; NULL: they are sent */
    bool direct;                 /* by no proxy */
    const char *ca_file;         /* NULL: the system's authorities */
    courier_done *done;
    void *arg;
};

/* Errors: NULL when there is no descriptor for it. */
struct courier *courier_new(void);
/* A descriptor that is readable when there are answers. */
int courier_fd(const struct courier *courier);
/* Sends it and gives its number. 0 when too many are under way, or there is no thread for it: try later. */
MUST_CHECK uint64_t courier_post(struct courier *courier, const struct courier_request *request);
size_t courier_busy(const struct courier *courier);
/* Nobody waits for this answer any more; 0 is allowed. */
void courier_forget(struct courier *courier, uint64_t number);
/* Hands out the answers that have come. */
void courier_look(struct courier *courier);
/* Waits at most `grace_ns` for what is under way, whose answers nobody gets, and ends. NULL is allowed. */
void courier_free(struct courier *courier, int64_t grace_ns);

#endif
