#include "proxy/mirror.h"

#include "base/log.h"
#include "proto/h1_write.h"
#include "proxy/compose.h"
#include "proxy/front.h"
#include "proxy/record.h"
#include "proxy/step.h"
#include "proxy/tracing.h"
#include "proxy/worker.h"

#include <string.h>

enum { MIRRORS_KEPT = 64 }; /* freed ones kept for reuse */

const char *mirror_skip_name(enum mirror_skip skip)
{
    static const char *const names[] = {
#define MIRROR_SKIP(id, name, text) [MIRROR_SKIP_##id] = name,
#include "proxy/mirror.def"
#undef MIRROR_SKIP
    };

    return names[skip];
}

const char *mirror_agreement_name(enum mirror_agreement agreement)
{
    static const char *const names[] = {
#define MIRROR_AGREEMENT(id, name, text) [MIRROR_AGREEMENT_##id] = name,
#include "proxy/mirror.def"
#undef MIRROR_AGREEMENT
    };

    return names[agreement];
}

void mirrors_init(struct mirrors *mirrors, struct budget *budget)
{
    mem_pool_init(&mirrors->pool, sizeof(struct mirror), MIRRORS_KEPT, MIRRORS_MAX);
    mem_pool_draw(&mirrors->pool, budget);
    relay_memory_init(&mirrors->memory, MIRRORS_MAX, budget); /* a small buffer for either way of each */
}

void mirrors_fini(struct mirrors *mirrors)
{
    mem_pool_fini(&mirrors->pool);
    relay_memory_fini(&mirrors->memory);
}

/* ---- life ---- */

static void set_state(struct mirror *mirror, enum mirror_state state)
{
    static const char *const names[] = {"COLLECTS", "CONNECTS", "ASKS", "READS", "ENDED"};

    BUG_ON(state <= mirror->state);
    log_debug("mirror %p: %s -> %s", (void *)mirror, names[mirror->state], names[state]);
    mirror->state = state;
}

static void release_parts(struct mirror *mirror)
{
    for (size_t i = 0; i < mirror->parts_len; i++)
        relay_release(&mirror->parts[i], &mirror->worker->mirrors.memory);
    mirror->parts_len = 0;
}

static struct gate *gate_of(const struct mirror *mirror)
{
    return mirror->worker->gates.by_slot[mirror->group->conf->slot];
}

static void leave_place(struct mirror *mirror)
{
    if (mirror->held)
        gate_leave(mirror->worker, gate_of(mirror), mirror->target->conf->slot);
    mirror->held = false;
}

static void destroy(struct mirror *mirror)
{
    struct worker *worker = mirror->worker;

    BUG_ON(mirror->back || mirror->asking);
    leave_place(mirror);
    wheel_cancel(&worker->wheel, &mirror->timer);
    release_parts(mirror);
    if (mirror->prev)
        mirror->prev->next = mirror->next;
    else
        worker->mirrors.all = mirror->next;
    if (mirror->next)
        mirror->next->prev = mirror->prev;
    worker->mirrors.open[mirror->route->conf->slot]--;
    cell_sub(&mirror->cells->open, 1);
    worker_drop_routes(worker, mirror->routes);
    mem_pool_put(&worker->mirrors.pool, mirror);
}

/* It was never sent. */
static void give_up(struct mirror *mirror, enum mirror_skip why)
{
    cell_add(&mirror->cells->skipped[why], 1);
    if (mirror->txn)
        mirror->txn->mirror = NULL;
    destroy(mirror);
}

/* Both are timed from when the whole request had been sent to the first's target. */
static struct score_answer answer_of(const struct mirror *mirror, enum outcome outcome, unsigned status,
                                     int64_t reply_ns)
{
    int64_t end_ns = reply_ns ? reply_ns : mirror->worker->now_ns;

    return (struct score_answer){outcome, status, end_ns > mirror->begun_ns ? end_ns - mirror->begun_ns : 0};
}

static void judge(const struct mirror *mirror)
{
    const struct mirror_first *first = &mirror->first;
    struct shard *shard = mirror->worker->shard;
    const struct score_answer answers[ROUTE_SIDES] = {
        [ROUTE_STABLE] = answer_of(mirror, first->outcome, first->target_status, first->reply_ns),
        [ROUTE_CANARY] = answer_of(mirror, mirror->outcome, mirror->status,
                                   mirror->reply_ns ? mirror->reply_ns : mirror->ended_ns)};

    if (first->ended)
        score_pair(&mirror->worker->scorer, mirror->route, shard_route(shard, mirror->route->conf->slot),
                   mirror->judged, answers);
}

/* All that will be known is known. */
static void settle(struct mirror *mirror)
{
    struct shard_mirror *cells = mirror->cells;

    if (mirror->judged)
        judge(mirror);

    cell_add(&cells->answers[mirror->status / 100 % SHARD_CLASSES], 1);
    cell_add(&cells->agreed[mirror_agreement(mirror)], 1);
    cell_add(&cells->duration_ns, (uint64_t)(mirror->ended_ns - mirror->begun_ns));
    record_mirror(mirror);
    destroy(mirror);
}

/* The target is done with it. */
static void release(struct mirror *mirror, bool keep)
{
    struct worker *worker = mirror->worker;
    uint32_t slot = mirror->target->conf->slot;

    if (mirror->back && keep)
        pool_give(mirror->back, worker->now_ns);
    else if (mirror->back)
        pool_drop(mirror->back);
    mirror->back = NULL;
    relay_release(&mirror->in, &worker->mirrors.memory);
    release_parts(mirror);
    mirror->asking = false;
    worker->balance.busy[slot]--;
    cell_sub(&shard_target(worker->shard, slot)->busy, 1);
    leave_place(mirror);
}

/* As txn.c's may_keep_back. */
static bool may_keep(const struct mirror *mirror)
{
    return mirror->back_keep && h1_body_complete(&mirror->body) && !mirror->up_broken &&
           relay_drained(&mirror->up) && mirror->in.off == mirror->in.len && relay_room(&mirror->in) > 0 &&
           mirror->back && !conn_holds(&mirror->back->conn);
}

/* Frees the mirror when its first has ended before it. */
static void end(struct mirror *mirror, enum outcome outcome, const char *error)
{
    bool keep = outcome == OUTCOME_MIRRORED && may_keep(mirror);

    mirror->outcome = outcome;
    mirror->error = error;
    mirror->ended_ns = mirror->worker->now_ns;
    set_state(mirror, MIRROR_ENDED);
    release(mirror, keep);
    if (!mirror->txn)
        settle(mirror);
}

void mirrors_close(struct mirrors *mirrors)
{
    while (mirrors->all)
        end(mirrors->all, OUTCOME_SHUTDOWN, NULL);
}

/* ---- the first ---- */

/* As the snapshot has it that the copy holds: the first may have waited over a newer one. */
static const struct route_group *group_of_first(const struct mirror *mirror)
{
    const struct route_group *groups = mirror->routes->groups, *own = mirror->txn->group;

    for (size_t i = 0; mirror->txn->later && i < mirror->routes->groups_len; i++)
        if (groups[i].conf->slot == own->conf->slot)
            return &groups[i];
    return own;
}

static void note_first(struct mirror *mirror, bool ended)
{
    const struct txn *txn = mirror->txn;
    int64_t since_ns = mirror->worker->now_ns - txn->in->first_byte_ns;

    mirror->first = (struct mirror_first){.ended = ended,
                                          .outcome = txn->outcome,
                                          .group = group_of_first(mirror),
                                          .target_status = txn->target_status,
                                          .reply_ns = txn->reply_ns,
                                          .duration_ns = since_ns > 0 ? (uint64_t)since_ns : 0};
}

void mirror_leave(struct txn *txn)
{
    struct mirror *mirror = txn->mirror;

    if (mirror->state == MIRROR_COLLECTS) {
        give_up(mirror, MIRROR_SKIP_UNSENT);
        return;
    }
    note_first(mirror, true);
    txn->mirror = NULL;
    mirror->txn = NULL;
    if (mirror->state == MIRROR_ENDED)
        settle(mirror);
}

/* The class of a status, where it says something of a target: 0 that it gave no answer. False when something
 * else than the target has made an end before there was one. */
static bool class_of(unsigned status, bool ended, enum outcome outcome, unsigned *class_r)
{
    *class_r = status / 100;
    return status || (ended && outcome_row(outcome)->blame == BLAME_GROUP);
}

enum mirror_agreement mirror_agreement(const struct mirror *mirror)
{
    const struct mirror_first *first = &mirror->first;
    unsigned own, shadow;

    if (!class_of(first->target_status, first->ended, first->outcome, &own) ||
        !class_of(mirror->status, true, mirror->outcome, &shadow))
        return MIRROR_AGREEMENT_UNKNOWN;
    if (own != shadow)
        return MIRROR_AGREEMENT_DIFFERENT;
    return first->target_status == mirror->status ? MIRROR_AGREEMENT_SAME : MIRROR_AGREEMENT_CLASS;
}

/* ---- the choice ---- */

/* Whether nothing speaks against a copy; else what does. */
static bool is_open(const struct txn *txn, enum mirror_skip *why_r)
{
    const struct route_mirror *to = &txn->route->mirror;
    const struct config_mirror *conf = &txn->route->conf->mirror;

    if (!(to->methods >> txn->head.method & 1))
        *why_r = MIRROR_SKIP_METHOD;
    else if (txn->head.upgrade != UPGRADE_NONE)
        *why_r = MIRROR_SKIP_UPGRADE;
    else if (txn->group == to->group)
        *why_r = MIRROR_SKIP_SAME_GROUP;
    else if (txn->head.has_length && txn->head.content_length > conf->max_body)
        *why_r = MIRROR_SKIP_BODY;
    else if (txn->worker->mirrors.open[txn->route->conf->slot] >= conf->max_in_flight)
        *why_r = MIRROR_SKIP_BUSY;
    else
        return true;
    return false;
}

static void on_timer(struct wheel_timer *timer, int64_t now_ns);

/* The metrics that look at both answers: those of requests that were drawn for stable and go to the canary
 * too. */
static unsigned judged_metrics(const struct txn *txn)
{
    const struct route *route = txn->route;

    if (!txn->score.scorer || txn->pick.side != ROUTE_STABLE ||
        route->mirror.group != route->side[ROUTE_CANARY])
        return 0;
    return txn->score.matched & route->judging->dry_runs;
}

static void begin(struct txn *txn, struct mirror *mirror)
{
    struct worker *worker = txn->worker;

    memset(mirror, 0, offsetof(struct mirror, record));
    mirror->worker = worker;
    mirror->txn = txn;
    mirror->routes = worker_hold_routes(worker);
    BUG_ON(mirror->routes != txn->routes); /* a request gets its route in the turn in which it begins */
    mirror->route = txn->route;
    mirror->cells = &txn->cells->mirror;
    mirror->group = txn->route->mirror.group;
    mirror->judged = judged_metrics(txn);
    mirror->method = txn->head.method;
    mirror->chunked = txn->head.framing == FRAMING_CHUNKED;
    relay_queue_init(&mirror->up);
    arena_init(&mirror->texts, mirror->texts_block, sizeof mirror->texts_block);
    wheel_timer_init(&mirror->timer, on_timer);
    mirror->next = worker->mirrors.all;
    if (mirror->next)
        mirror->next->prev = mirror;
    worker->mirrors.all = mirror;
    worker->mirrors.open[mirror->route->conf->slot]++;
    cell_add(&mirror->cells->open, 1);
    txn->mirror = mirror;
}

void mirror_consider(struct txn *txn)
{
    struct worker *worker = txn->worker;
    enum mirror_skip why = MIRROR_SKIP_MEMORY;
    struct mirror *mirror = NULL;

    if (rnd_below(&worker->rnd, CONFIG_WEIGHT_ONE) >= txn->route->mirror.share)
        return;
    if (is_open(txn, &why))
        mirror = mem_pool_get(&worker->mirrors.pool);
    if (mirror)
        begin(txn, mirror);
    else
        cell_add(&txn->cells->mirror.skipped[why], 1);
}

/* ---- the copy ---- */

/* The part that has room for more; NULL when there is no memory. */
static struct relay_buf *part_with_room(struct mirror *mirror)
{
    struct relay_memory *memory = &mirror->worker->mirrors.memory;
    struct relay_buf *part = mirror->parts_len ? &mirror->parts[mirror->parts_len - 1] : NULL;

    if (part && (relay_room(part) > 0 || relay_grow(part, memory)))
        return part;
    if (mirror->parts_len == MIRROR_PARTS_MAX)
        return NULL;
    part = &mirror->parts[mirror->parts_len];
    if (!relay_hold(part, memory))
        return NULL;
    mirror->parts_len++;
    return part;
}

static bool copy(struct mirror *mirror, struct str s)
{
    while (s.len > 0) {
        struct relay_buf *part = part_with_room(mirror);
        size_t n;

        if (!part)
            return false;
        n = s.len < relay_room(part) ? s.len : relay_room(part);
        memcpy(part->p + part->len, s.p, n);
        part->len += (uint32_t)n;
        s.p += n;
        s.len -= n;
    }
    return true;
}

/* Copies what was composed, with the mark before the empty line that ends it. */
static bool copy_queue(struct mirror *mirror, const struct relay_queue *queue)
{
    for (int i = queue->at; i < queue->len; i++) {
        size_t end_len = i + 1 < queue->len ? 0 : 2;

        if (!copy(mirror, (struct str){queue->iov[i].iov_base, queue->iov[i].iov_len - end_len}))
            return false;
    }
    return copy(mirror, STR("X-Penstock-Mirror: 1\r\n\r\n"));
}

/* Composes the head as if the request went to the shadow. What the transaction has made for its own try
 * stays. */
static bool copy_head(struct txn *txn, struct mirror *mirror)
{
    const struct route_group *group = txn->group;
    const struct route_target *target = txn->target;
    size_t arena_len = txn->arena.len;
    uint64_t kept;
    bool ok;

    head_drop(&txn->head, FIELD_EXPECT); /* the body is there */
    head_drop(&txn->head, FIELD_TRAILER);
    txn->group = mirror->group;
    txn->target = mirror->target;
    if (txn->tracing)
        mirror->span = tracing_copy(txn, &kept);
    ok = compose_request(txn, &mirror->up) && copy_queue(mirror, &mirror->up);
    txn->group = group;
    txn->target = target;
    if (txn->tracing) {
        tracing_copied(txn, kept);
        mirror->sampled = txn->tracing->context.sampled == TRACECONTEXT_YES;
    }
    txn->arena.len = arena_len;
    relay_forget(&mirror->up);
    if (ok) {
        mirror->head_parts = mirror->parts_len;
        mirror->head_end = mirror->parts[mirror->parts_len - 1].len;
    }
    return ok;
}

void mirror_copy_head(struct txn *txn)
{
    struct mirror *mirror = txn->mirror;
    struct worker *worker = mirror->worker;

    if (mirror->target)
        return;
    mirror->target = balance_pick(mirror->group, &worker->balance, &worker->rnd,
                                  step_hash_value(txn, mirror->group->conf), worker->now_ns, NULL);
    if (!mirror->target) {
        give_up(mirror, MIRROR_SKIP_NO_TARGET);
    } else if (!copy_head(txn, mirror)) {
        give_up(mirror, MIRROR_SKIP_MEMORY);
    } else if (accesslog_wanted(&worker->log)) {
        record_keep(txn, &mirror->record, &mirror->texts);
    }
}

void mirror_rewind(struct mirror *mirror)
{
    if (mirror->state != MIRROR_COLLECTS || !mirror->head_parts)
        return;
    while (mirror->parts_len > mirror->head_parts)
        relay_release(&mirror->parts[--mirror->parts_len], &mirror->worker->mirrors.memory);
    mirror->parts[mirror->parts_len - 1].len = mirror->head_end;
    mirror->body_len = 0;
}

void mirror_copy_body(struct mirror *mirror, struct str data)
{
    char block[RELAY_FRAME_LEN];
    struct buf frame;

    if (mirror->state != MIRROR_COLLECTS || data.len == 0)
        return;
    mirror->body_len += data.len;
    buf_init(&frame, block, sizeof block);
    if (mirror->chunked)
        h1_write_chunk(&frame, data.len);
    if (mirror->body_len > mirror->route->conf->mirror.max_body)
        give_up(mirror, MIRROR_SKIP_BODY);
    else if (!copy(mirror, buf_str(&frame)) || !copy(mirror, data) ||
             !copy(mirror, mirror->chunked ? STR("\r\n") : STR_NULL))
        give_up(mirror, MIRROR_SKIP_MEMORY);
}

/* ---- the answer ---- */

static void on_back(struct conn *conn, unsigned ready);

/* Feeds what is there of the body to nobody. */
static void read_away(struct mirror *mirror)
{
    for (;;) {
        struct str rest = relay_rest(&mirror->in), data;
        size_t consumed;
        enum h1_body_event event = h1_body_feed(&mirror->body, rest.p, rest.len, &data, &consumed);

        mirror->in.off += (uint32_t)consumed;
        switch (event) {
        case H1_BODY_MORE:
            relay_restart(&mirror->in);
            if (relay_room(&mirror->in) == 0 && !relay_grow(&mirror->in, &mirror->worker->mirrors.memory))
                end(mirror, OUTCOME_OVERLOAD, "the memory for copies is used up");
            return;
        case H1_BODY_DATA:
            if (mirror->body.received <= mirror->route->conf->mirror.max_answer)
                break;
            end(mirror, OUTCOME_MIRRORED, "the answer is longer than maxAnswer");
            return;
        case H1_BODY_DONE:
            end(mirror, OUTCOME_MIRRORED, NULL);
            return;
        case H1_BODY_BAD:
            end(mirror, OUTCOME_TARGET_CUT, h1_error_text(mirror->body.error));
            return;
        }
    }
}

static void begin_answer(struct mirror *mirror, const struct head *head)
{
    mirror->status = head->status;
    mirror->reply_ns = mirror->worker->now_ns;
    mirror->back_keep =
        head->keep_alive && head->framing != FRAMING_UNTIL_CLOSE && !mirror->group->conf->proxy_protocol;
    h1_body_init(&mirror->body, head->framing, head->content_length, &mirror->route->conf->response);
    mirror->in.off = mirror->scan.end;
    set_state(mirror, MIRROR_READS);
    read_away(mirror);
}

/* Looks for the head of the final answer in what has come. True when there may be another behind this one. */
static bool look_for_head(struct mirror *mirror)
{
    const struct h1_limits *limits = &mirror->route->conf->response;
    struct field fields[TXN_RESPONSE_FIELDS_MAX];
    struct head head;
    enum h1_error error;

    switch (h1_scan(&mirror->scan, limits, mirror->in.p, mirror->in.len)) {
    case H1_SCAN_MORE:
        if (relay_room(&mirror->in) == 0 && !relay_grow(&mirror->in, &mirror->worker->mirrors.memory))
            end(mirror, OUTCOME_OVERLOAD, "the memory for copies is used up");
        return false;
    case H1_SCAN_BAD:
        end(mirror, OUTCOME_BAD_RESPONSE, h1_error_text(mirror->scan.error));
        return false;
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, limits->fields);
    error = h1_response_parse(&mirror->scan, mirror->in.p, mirror->method, &head);
    if (error || head.status == 101) {
        end(mirror, OUTCOME_BAD_RESPONSE, error ? h1_error_text(error) : "it switches to a protocol unasked");
        return false;
    }
    if (head.status >= 200) {
        begin_answer(mirror, &head);
        return false;
    }
    mirror->in.off = mirror->scan.end;
    relay_restart(&mirror->in);
    h1_scan_init(&mirror->scan);
    return mirror->in.len > 0;
}

static void shadow_ended(struct mirror *mirror, bool reset)
{
    if (mirror->state == MIRROR_ASKS)
        end(mirror, reset ? OUTCOME_TARGET_RESET : OUTCOME_TARGET_CLOSED, NULL);
    else if (!reset && h1_body_eof(&mirror->body))
        end(mirror, OUTCOME_MIRRORED, NULL);
    else
        end(mirror, OUTCOME_TARGET_CUT, NULL);
}

static void on_readable(struct mirror *mirror)
{
    ssize_t n;

    if (!relay_hold(&mirror->in, &mirror->worker->mirrors.memory)) {
        end(mirror, OUTCOME_OVERLOAD, "the memory for copies is used up");
        return;
    }
    n = relay_recv(&mirror->in, &mirror->back->conn);
    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        shadow_ended(mirror, n == CONN_FAILED);
        return;
    }
    if (mirror->state == MIRROR_READS)
        read_away(mirror);
    else
        while (look_for_head(mirror))
            ;
}

/* ---- the exchange ---- */

/* A shadow that takes no more may have answered: reading will tell. */
static void flush(struct mirror *mirror)
{
    if (mirror->up_broken)
        return;
    mirror->up_broken = relay_flush(&mirror->up, &mirror->back->conn) == RELAY_BROKEN;
}

static void ask(struct mirror *mirror)
{
    mirror->connect_ns = mirror->worker->now_ns;
    h1_scan_init(&mirror->scan);
    for (size_t i = 0; i < mirror->parts_len; i++)
        relay_add(&mirror->up, (struct str){mirror->parts[i].p, mirror->parts[i].len});
    set_state(mirror, MIRROR_ASKS);
    flush(mirror);
}

static void connected(struct mirror *mirror)
{
    bool connected = conn_connected(&mirror->back->conn);
    const char *why = tls_why(&mirror->back->conn);

    if (why)
        end(mirror, OUTCOME_TLS_TO_TARGET, why);
    else if (connected)
        ask(mirror);
    else
        end(mirror, outcome_of_connect(mirror->back->conn.error), NULL);
}

static void on_back(struct conn *conn, unsigned ready)
{
    struct pool_conn *pc = CONTAINER_OF(conn, struct pool_conn, conn);
    struct mirror *mirror = pc->user;

    worker_wake(mirror->worker);
    if (mirror->state == MIRROR_CONNECTS)
        connected(mirror);
    else if (ready & CONN_READABLE)
        on_readable(mirror);
    else
        flush(mirror);
}

static void on_timer(struct wheel_timer *timer, int64_t now_ns)
{
    struct mirror *mirror = CONTAINER_OF(timer, struct mirror, timer);

    mirror->worker->now_ns = now_ns;
    switch (mirror->state) {
    case MIRROR_COLLECTS:
        BUG("a copy that was not sent has a timer");
    case MIRROR_CONNECTS:
        end(mirror, OUTCOME_CONNECT_TIMEOUT, NULL);
        return;
    case MIRROR_ASKS:
        end(mirror, relay_drained(&mirror->up) ? OUTCOME_FIRST_BYTE_TIMEOUT : OUTCOME_TARGET_STALLED, NULL);
        return;
    case MIRROR_READS:
        end(mirror, OUTCOME_TARGET_STALLED, NULL);
        return;
    case MIRROR_ENDED: /* the first goes on for longer than it is waited for */
        note_first(mirror, false);
        mirror->txn->mirror = NULL;
        settle(mirror);
        return;
    }
}

/* From here on the target counts as busy with it, until release. */
static void begin_exchange(struct mirror *mirror)
{
    struct worker *worker = mirror->worker;
    uint32_t slot = mirror->target->conf->slot;

    mirror->asking = true;
    mirror->begun_ns = worker->now_ns;
    worker->balance.busy[slot]++;
    cell_add(&shard_target(worker->shard, slot)->busy, 1);
    wheel_set(&worker->wheel, &mirror->timer, worker->now_ns + mirror->route->conf->mirror.timeout_ns);
}

/* A copy takes a place where the group has a cap, but nothing for which a request waits. */
static bool finds_place(struct mirror *mirror)
{
    struct gate *gate = gate_of(mirror);

    if (gate_has_line(mirror->worker, gate))
        return false;
    if (!gate->capped)
        return true;
    mirror->held = gate_enter(mirror->worker, gate, mirror->target->conf->slot);
    return mirror->held;
}

static void lease(struct mirror *mirror, struct pool *pool)
{
    uint32_t slot = mirror->target->conf->slot;
    int error;

    cell_add(&shard_target(mirror->worker->shard, slot)->connects, 1);
    mirror->back = pool_connect(pool, &mirror->target->conf->address, mirror->group->conf->tls.context,
                                on_back, mirror, &error);
    if (mirror->back)
        set_state(mirror, MIRROR_CONNECTS);
    else
        end(mirror, outcome_of_connect(error), NULL);
}

void mirror_go(struct mirror *mirror)
{
    const struct config_group *conf = mirror->group->conf;
    struct pool *pool;

    if (mirror->state != MIRROR_COLLECTS)
        return;
    if (mirror->chunked && !copy(mirror, STR("0\r\n\r\n"))) {
        give_up(mirror, MIRROR_SKIP_MEMORY);
        return;
    }
    if (!finds_place(mirror)) {
        give_up(mirror, MIRROR_SKIP_BUSY);
        return;
    }
    pool = &mirror->worker->targets[mirror->target->conf->slot]->pool;
    if (!conf->proxy_protocol) /* else a connection is about one client */
        mirror->back = pool_take(pool, conf->tls.context, on_back, mirror);
    if (!mirror->back && pool->open >= conf->max_connections && !pool_shed(pool)) {
        give_up(mirror, MIRROR_SKIP_BUSY);
        return;
    }
    begin_exchange(mirror);
    if (mirror->back)
        ask(mirror);
    else
        lease(mirror, pool);
}
