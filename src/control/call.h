/*
 * One call of the admin API: a request with its path and query taken apart, and the ways to answer it. Made
 * by control/api for each request, on the stack; a call that is answered later is copied by whoever holds it.
 *
 * Thread: control.
 */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include "base/bug.h"
#include "control/admin.h"
#include "control/orders.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct board;

enum {
    CALL_PARAMS_MAX = 2, /* {names} in a path */
    CALL_PARAM_LEN = 256,
    CALL_PATH_LEN = 512,
};

struct call {
    struct api *api;
    struct board *board;
    struct admin_request *request;
    char params[CALL_PARAMS_MAX][CALL_PARAM_LEN]; /* decoded */
    size_t params_len;
    bool write; /* it changes something and goes into the audit */
    char method[16];
    char path[CALL_PATH_LEN]; /* for the audit, cut */
    char actor[ROLLOUT_ACTOR_MAX];
    char remote[ADMIN_REMOTE_LEN];
};

/* ---- what was sent ---- */

/* Decodes %XX once. False when it is malformed, has a NUL or does not fit; `out` ends in NUL. */
MUST_CHECK bool call_decode(struct str text, char *out, size_t out_len);
/* A parameter of the query, decoded; false when it is missing. A malformed one is empty. */
bool call_query(const struct call *call, const char *name, char *out, size_t out_len);
/* A number from the query within least and most, `usual` when missing. False when it was no such number;
 * answered then. */
MUST_CHECK bool call_query_number(struct call *call, const char *name, int64_t least, int64_t most,
                                  int64_t usual, int64_t *number_r);
/* The body's media type is this one, whatever its parameters. */
bool call_has_type(const struct call *call, const char *type);
/*
 * The JSON object of the body, a new reference, with these keys at most (NULL ends them). An empty body
 * without a type is an empty object when `may_be_empty`. NULL when it was something else; the call is
 * answered then.
 */
MUST_CHECK json_t *call_json(struct call *call, const char *const *keys, bool may_be_empty);

/* ---- answers ---- */

/* Answers with JSON; takes the reference. */
void call_answer(struct call *call, unsigned status, json_t *json);
/* Answers with text of some other type. */
void call_answer_text(struct call *call, unsigned status, const char *type, struct text *text);
/* Answers with a problem. `errors` is borrowed and may be NULL, and so is `fields`. */
void call_refuse(struct call *call, unsigned status, const char *fields, const json_t *errors,
                 const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Answers an order that was not done. */
void call_refuse_order(struct call *call, enum order_result result, const char *why, const json_t *errors);
/* Writes the call to the audit; each answer does. For those that never answer. */
void call_audit(const struct call *call, unsigned status);

/* The route of the first parameter; NULL when there is none, answered with 404. */
MUST_CHECK struct live *call_route(struct call *call);

#endif
