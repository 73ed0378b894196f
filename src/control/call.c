#include "control/call.h"

#include "base/mem.h"
#include "control/board.h"
#include "control/problem.h"
#include "proto/head.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DETAIL_MAX = 1024 };

/* ---- what was sent
 * ------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool call_decode(struct str text, char *out, size_t out_len)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.p[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.p[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || len + 1 >= out_len)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return true;
}

bool call_query(const struct call *call, const char *name, char *out, size_t out_len)
{
    struct str rest = call->request->head->query, pair, key;

    out[0] = '\0';
    if (rest.len == 0)
        return false;
    rest = (struct str){rest.p + 1, rest.len - 1}; /* without the '?' */
    while (str_split(&rest, '&', &pair)) {
        struct str value = pair;

        if (!str_split(&value, '=', &key) || !str_eq(key, str_from(name)))
            continue;
        if (value.p && !call_decode(value, out, out_len))
            out[0] = '\0';
        return true;
    }
    return false;
}

bool call_query_number(struct call *call, const char *name, int64_t least, int64_t most, int64_t usual,
                       int64_t *number_r)
{
    char text[32];
    uint64_t number;

    *number_r = usual;
    if (!call_query(call, name, text, sizeof text))
        return true;
    if (str_to_u64(str_from(text), &number) && number <= (uint64_t)most && number >= (uint64_t)least) {
        *number_r = (int64_t)number;
        return true;
    }
    call_refuse(call, 400, NULL, NULL, "%s is a number from %" PRId64 " to %" PRId64, name, least, most);
    return false;
}

bool call_has_type(const struct call *call, const char *type)
{
    struct str value = head_value(call->request->head, FIELD_CONTENT_TYPE), media;

    return value.p && str_split(&value, ';', &media) && str_eq_nocase(str_trim(media), str_from(type));
}

static const char *nearest(const char *const *keys, const char *key)
{
    const char *best = NULL;
    unsigned least = 3;

    for (; *keys; keys++) {
        unsigned distance = str_distance(str_from(key), str_from(*keys));

        if (distance < least) {
            least = distance;
            best = *keys;
        }
    }
    return best;
}

static bool is_among(const char *const *keys, const char *key)
{
    for (; *keys; keys++)
        if (!strcmp(*keys, key))
            return true;
    return false;
}

/* True when every key is known. */
static bool keys_are_known(struct call *call, json_t *json, const char *const *keys)
{
    const char *key;
    json_t *value;

    json_object_foreach(json, key, value)
    {
        const char *best;

        if (is_among(keys, key))
            continue;
        best = nearest(keys, key);
        if (best)
            call_refuse(call, 400, NULL, NULL, "unknown key \"%s\": did you mean \"%s\"?", key, best);
        else
            call_refuse(call, 400, NULL, NULL, "unknown key \"%s\"", key);
        return false;
    }
    return true;
}

json_t *call_json(struct call *call, const char *const *keys, bool may_be_empty)
{
    struct str body = call->request->body;
    json_error_t error;
    json_t *json;

    if (may_be_empty && body.len == 0 && !head_find(call->request->head, FIELD_CONTENT_TYPE))
        return json_object();
    if (!call_has_type(call, "application/json")) {
        call_refuse(call, 415, NULL, NULL, "send JSON, with Content-Type: application/json");
        return NULL;
    }
    json = json_loadb(body.p ? body.p : "", body.len, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        call_refuse(call, 400, NULL, NULL, "the body is no valid JSON: line %d, column %d: %s", error.line,
                    error.column, error.text);
        return NULL;
    }
    if (!json_is_object(json))
        call_refuse(call, 400, NULL, NULL, "the body has to be a JSON object");
    else if (keys_are_known(call, json, keys))
        return json;
    json_decref(json);
    return NULL;
}

/* ---- answers
 * ------------------------------------------------------------------------------------------------- */

void call_audit(const struct call *call, unsigned status)
{
    struct store_audit row = {.wall_ns = call->board->wall_ns,
                              .actor = call->actor,
                              .remote = call->remote,
                              .method = call->method,
                              .path = call->path,
                              .status = status};

    /* A failing store is said elsewhere. */
    if (call->write && call->board->store)
        (void)!store_audit(call->board->store, &row);
}

static void answer(struct call *call, unsigned status, const char *type, const char *fields,
                   struct text *body)
{
    call_audit(call, status);
    admin_answer(call->request,
                 &(struct admin_answer){.status = status, .type = type, .fields = fields, .body = body});
}

void call_answer_text(struct call *call, unsigned status, const char *type, struct text *text)
{
    answer(call, status, type, NULL, text);
}

void call_answer(struct call *call, unsigned status, json_t *json)
{
    char *bytes = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12));
    struct text body;

    BUG_ON(!bytes);
    text_init(&body, ADMIN_ANSWER_MAX);
    text_add(&body, bytes, strlen(bytes));
    text_add(&body, "\n", 1);
    answer(call, status, "application/json", NULL, &body);
    text_fini(&body);
    free(bytes);
    json_decref(json);
}

void call_refuse(struct call *call, unsigned status, const char *fields, const json_t *errors,
                 const char *fmt, ...)
{
    char detail[DETAIL_MAX];
    struct text body;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    text_init(&body, ADMIN_ANSWER_MAX);
    problem_write(&body, status, detail, errors);
    answer(call, status, PROBLEM_TYPE, fields, &body);
    text_fini(&body);
}

void call_refuse_order(struct call *call, enum order_result result, const char *why, const json_t *errors)
{
    unsigned status = 500;

    switch (result) {
    case ORDER_DONE:
        BUG("an order that was done is refused");
    case ORDER_MISSING:
        status = 404;
        break;
    case ORDER_INVALID:
        status = 422;
        break;
    case ORDER_REFUSED:
        status = 409;
        break;
    case ORDER_UNSAVED:
        status = 507;
        break;
    }
    call_refuse(call, status, NULL, errors, "%s", why);
}

struct live *call_route(struct call *call)
{
    struct live *live = board_find(call->board, str_from(call->params[0]));

    if (!live)
        call_refuse(call, 404, NULL, NULL, "there is no route %s", call->params[0]);
    return live;
}
