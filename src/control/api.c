#include "control/api.h"

#include "base/clk.h"
#include "base/mem.h"
#include "control/board.h"
#include "control/guard.h"
#include "control/page.h"
#include "control/reads.h"
#include "control/reports.h"
#include "control/status.h"
#include "control/writes.h"
#include "proto/head.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_NS NS_PER_S /* for a weight to be in force everywhere */

enum { LOOK_MS = 20 };

enum endpoint_flag {
    WRITE = 1, /* needs the token, goes into the audit */
    OPEN = 2,  /* for load balancers: no guard at all; tells nothing */
    PAGE = 4,  /* files of the program: a browser that follows a link has no token yet; tells nothing */
};

struct endpoint {
    enum method method;
    const char *path; /* {names} match one segment */
    unsigned flags;
    void (*handle)(struct call *call);
};

static const struct endpoint endpoints[] = {
    {METHOD_GET, "/", PAGE, page_root},
    {METHOD_GET, "/page/{file}", PAGE, page_file},
    {METHOD_GET, "/healthz", OPEN, reads_alive},
    {METHOD_GET, "/readyz", OPEN, reads_ready},
    {METHOD_GET, "/metrics", 0, reads_metrics},
    {METHOD_GET, "/v1/status", 0, reads_status},
    {METHOD_GET, "/v1/stream", 0, reads_stream},
    {METHOD_GET, "/v1/decisions", 0, reads_decisions},
    {METHOD_GET, "/v1/history", 0, reads_history},
    {METHOD_GET, "/v1/reports", 0, reports_list},
    {METHOD_GET, "/v1/reports/{page}", 0, reports_page},
    {METHOD_GET, "/v1/routes/{route}/weight", 0, reads_weight},
    {METHOD_PUT, "/v1/routes/{route}/weight", WRITE, writes_weight},
    {METHOD_GET, "/v1/routes/{route}/rollout", 0, reads_rollout},
    {METHOD_POST, "/v1/routes/{route}/rollout", WRITE, writes_start},
    {METHOD_PUT, "/v1/routes/{route}/rollout", WRITE, writes_update},
    {METHOD_POST, "/v1/routes/{route}/rollout/pause", WRITE, writes_pause},
    {METHOD_POST, "/v1/routes/{route}/rollout/resume", WRITE, writes_resume},
    {METHOD_POST, "/v1/routes/{route}/rollout/approve", WRITE, writes_approve},
    {METHOD_POST, "/v1/routes/{route}/rollout/skip", WRITE, writes_skip},
    {METHOD_POST, "/v1/routes/{route}/rollout/promote", WRITE, writes_promote},
    {METHOD_POST, "/v1/routes/{route}/rollout/abort", WRITE, writes_abort},
    {METHOD_POST, "/v1/routes/{route}/rollout/retry", WRITE, writes_retry},
    {METHOD_GET, "/v1/groups/{group}/targets", 0, reads_targets},
    {METHOD_POST, "/v1/groups/{group}/targets/{target}/drain", WRITE, writes_drain},
    {METHOD_POST, "/v1/config/reload", WRITE, writes_reload},
};

/* ---- finding an endpoint
 * ------------------------------------------------------------------------------------- */

/* Whether a path is the pattern's; its {names} go to the call's parameters. False as well for what cannot be
 * decoded. */
static bool matches(struct call *call, struct str path, const char *pattern_text)
{
    struct str pattern = str_from(pattern_text), segment, wanted;

    call->params_len = 0;
    while (str_split(&pattern, '/', &wanted)) {
        char *out = call->params[call->params_len];

        if (!str_split(&path, '/', &segment))
            return false;
        if (wanted.len > 0 && wanted.p[0] == '{') {
            if (!call_decode(segment, out, CALL_PARAM_LEN) || out[0] == '\0')
                return false;
            call->params_len++;
        } else if (!str_eq(segment, wanted)) {
            return false;
        }
    }
    return !path.p;
}

/* The endpoint of a path and a method; *allowed_r is what the path would allow. */
static const struct endpoint *find(struct call *call, struct buf *allowed_r)
{
    const struct head *head = call->request->head;
    enum method method = head->method == METHOD_HEAD ? METHOD_GET : head->method;

    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        if (!matches(call, head->path, endpoints[i].path))
            continue;
        if (endpoints[i].method == method)
            return &endpoints[i];
        buf_lit(allowed_r, ", ");
        buf_str_add(allowed_r, method_name(endpoints[i].method));
        if (endpoints[i].method == METHOD_GET)
            buf_lit(allowed_r, ", HEAD");
    }
    return NULL;
}

static void not_found(struct call *call, const struct buf *allowed)
{
    const struct head *head = call->request->head;
    char fields[128];

    if (allowed->len == 0) {
        call_refuse(call, 404, NULL, NULL, "there is nothing at %.*s", STR_ARG(head->path));
        return;
    }
    snprintf(fields, sizeof fields, "Allow: %.*s\r\n", (int)allowed->len - 2, allowed->p + 2);
    call_refuse(call, 405, fields, NULL, "%.*s does not take %.*s, but %.*s", STR_ARG(head->path),
                STR_ARG(head->method_name), (int)allowed->len - 2, allowed->p + 2);
}

/* ---- a request
 * ----------------------------------------------------------------------------------------------- */

/* Who says to be asking; for the record, not for rights. */
static void read_actor(struct call *call)
{
    const struct field *field = head_find_name(call->request->head, STR("Penstock-Actor"), 0);
    struct str actor = field ? field->value : STR("api");

    snprintf(call->actor, sizeof call->actor, "%.*s", STR_ARG(actor));
    for (char *c = call->actor; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

static void call_begin(struct call *call, struct api *api, struct admin_request *request)
{
    call->api = api;
    call->board = api->board;
    call->request = request;
    snprintf(call->method, sizeof call->method, "%.*s", STR_ARG(request->head->method_name));
    snprintf(call->path, sizeof call->path, "%.*s", STR_ARG(request->head->path));
    snprintf(call->remote, sizeof call->remote, "%s", request->remote);
    read_actor(call);
}

/* True when the request may go on; else it was answered. What a path is must not be told to those who may not
 * ask. */
static bool guarded(struct call *call, unsigned flags)
{
    const struct config_admin *admin = &call->board->config->admin;
    struct guard guard = {.token = admin->token,
                          .hosts = admin->hosts,
                          .hosts_len = admin->hosts_len,
                          .server_host = call->request->server_host,
                          .local = call->request->local};
    const struct head *head = call->request->head;
    const struct guard_refusal *refusal =
        flags & PAGE ? guard_check_host(&guard, head) : guard_check(&guard, head, flags & WRITE);

    if (refusal)
        call_refuse(call, refusal->status, refusal->fields, NULL, "%s", refusal->detail);
    return !refusal;
}

void api_handle(void *arg, struct admin_request *request)
{
    struct api *api = arg;
    struct call call = {0};
    const struct endpoint *endpoint;
    char block[96];
    struct buf allowed;

    board_now(api->board);
    call_begin(&call, api, request);
    buf_init(&allowed, block, sizeof block);
    endpoint = find(&call, &allowed);
    if (!(endpoint && endpoint->flags & OPEN) && !guarded(&call, endpoint ? endpoint->flags : 0))
        return;
    if (!endpoint) {
        not_found(&call, &allowed);
        return;
    }
    call.write = endpoint->flags & WRITE;
    endpoint->handle(&call);
}

/* ---- weights that wait for the workers
 * ----------------------------------------------------------------------- */

struct api_waiter {
    struct call call;
    struct api_waiter *next;
    char route[CONFIG_NAME_MAX + 1];
    bool has_weight;
    uint32_t weight;
    int64_t since_ns;
};

static void unlink_waiter(struct api *api, struct api_waiter *waiter)
{
    struct api_waiter **at = &api->waiters;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
}

static void waiter_gone(void *arg)
{
    struct api_waiter *waiter = arg;

    call_audit(&waiter->call, 499);
    unlink_waiter(waiter->call.api, waiter);
    free(waiter);
}

static bool reached(const struct board *board, const struct live *live, bool has_weight, uint32_t weight)
{
    return board_in_force(board, live) && (!has_weight || live->weight == weight);
}

static void answer_weight(struct call *call, const struct live *live, bool in_force, int64_t took_ns)
{
    json_t *json = status_weight(call->board, live);

    json_object_set_new(json, "inForce", json_boolean(in_force));
    json_object_set_new(json, "tookMs", json_real((double)(took_ns / 1000) / 1000));
    call_answer(call, in_force ? 200 : 202, json);
}

/* True when the waiter was answered and is to be freed. */
static bool waiter_done(struct api *api, struct api_waiter *waiter)
{
    struct live *live = board_find(api->board, str_from(waiter->route));
    int64_t took_ns = api->board->now_ns - waiter->since_ns;
    bool in_force = live && reached(api->board, live, waiter->has_weight, waiter->weight);

    if (live && !in_force && took_ns < WAIT_NS)
        return false;
    if (live)
        answer_weight(&waiter->call, live, in_force, took_ns);
    else
        call_refuse(&waiter->call, 404, NULL, NULL, "route %s was removed by a reload", waiter->route);
    return true;
}

void api_look(struct api *api)
{
    struct api_waiter **at = &api->waiters;

    while (*at) {
        struct api_waiter *waiter = *at;

        if (!waiter_done(api, waiter)) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        free(waiter);
    }
    if (api->waiters)
        event_add(api->waiting, &(struct timeval){.tv_usec = LOOK_MS * 1000});
}

static void on_waiting(evutil_socket_t fd, short what, void *arg)
{
    struct api *api = arg;

    (void)fd, (void)what;
    board_now(api->board);
    api_look(api);
}

void api_wait(struct call *call, const struct live *live, bool has_weight, uint32_t weight)
{
    struct api *api = call->api;
    struct api_waiter *waiter;

    if (reached(api->board, live, has_weight, weight)) {
        answer_weight(call, live, true, clk_mono_ns() - api->board->now_ns);
        return;
    }
    waiter = mem_zalloc(sizeof *waiter);
    waiter->call = *call;
    waiter->has_weight = has_weight;
    waiter->weight = weight;
    waiter->since_ns = api->board->now_ns;
    snprintf(waiter->route, sizeof waiter->route, "%s", live->conf->name);
    waiter->next = api->waiters;
    api->waiters = waiter;
    admin_hold(call->request, waiter_gone, waiter);
    event_add(api->waiting, &(struct timeval){.tv_usec = LOOK_MS * 1000});
}

void api_init(struct api *api, struct event_base *base, struct board *board)
{
    *api = (struct api){.board = board};
    api->waiting = event_new(base, -1, 0, on_waiting, api);
    BUG_ON(!api->waiting);
}

void api_fini(struct api *api)
{
    BUG_ON(api->waiters);
    event_free(api->waiting);
}
