#include "proxy/gate.h"

#include "base/mem.h"
#include "proxy/front.h"
#include "proxy/mux.h"
#include "proxy/place.h"
#include "proxy/stream.h"
#include "proxy/txn.h"
#include "proxy/worker.h"

#include <stdlib.h>

/* After its time the first one of a worker is gone, or the worker stands still. */
enum { LATE_MS = 100 };

static struct gate_line *line_of(const struct worker *worker, const struct gate *gate)
{
    return &worker->shared->gates.lines[gate->slot];
}

static struct shard_group *cells_of(const struct worker *worker, const struct gate *gate)
{
    return shard_group(worker->shard, gate->slot);
}

/* ---- caps ---- */

static uint32_t most_of(uint32_t cap)
{
    return cap ? cap : UINT32_MAX;
}

static void set_caps(struct gate *gate, const struct config_group *conf)
{
    gate->capped = config_group_is_capped(conf);
    gate->slot = conf->slot;
    gate->group_most = most_of(conf->concurrency.group);
    gate->target_most = most_of(conf->concurrency.target);
    gate->queue_most = conf->concurrency.queue;
    gate->wait_ns = conf->concurrency.wait_ns;
}

static void count_inside(struct worker *worker, struct txn *txn)
{
    if (!txn || !txn->trying || txn->held || !worker->gates.by_slot[txn->group->conf->slot]->capped)
        return;
    txn->held = gate_enter(
        worker,
        &(struct gate){.slot = txn->group->conf->slot, .group_most = UINT32_MAX, .target_most = UINT32_MAX},
        txn->target->conf->slot);
}

/* Where a group gets its first cap, what is in flight already has no place yet. */
static void count_those_inside(struct worker *worker)
{
    for (struct front *front = worker->fronts; front; front = front->next) {
        count_inside(worker, front->in.txn);
        for (struct stream *stream = mux_streams(front); stream; stream = stream->next)
            count_inside(worker, stream->in.txn);
    }
}

void gates_adopt(struct worker *worker)
{
    struct gates *gates = &worker->gates;
    bool more = false;

    worker->balance.held = worker->shared->gates.targets;
    for (size_t i = 0; i < worker->config->groups_len; i++) {
        const struct config_group *conf = &worker->config->groups[i];
        struct gate **gate = &gates->by_slot[conf->slot];

        if (!*gate)
            *gate = mem_zalloc(sizeof **gate);
        more |= !(*gate)->capped && config_group_is_capped(conf);
        set_caps(*gate, conf);
        worker->balance.held_most[conf->slot] = conf->concurrency.target;
    }
    if (more)
        count_those_inside(worker);
}

void gates_fini(struct worker *worker)
{
    for (size_t slot = 0; slot < CONFIG_GROUPS_MAX; slot++)
        free(worker->gates.by_slot[slot]);
}

/* ---- who is first ---- */

/* The worker whose first one waits longest, or -1. Of two equals the lower number, so that all say the same.
 */
static int first_worker(const struct worker *worker, const struct gate *gate)
{
    const struct gate_line *line = line_of(worker, gate);
    int64_t late_ns = worker->now_ns - gate->wait_ns - LATE_MS * NS_PER_MS, best_ns = INT64_MAX;
    int best = -1;

    for (size_t w = 0; w < worker->shared->workers; w++) {
        int64_t since_ns = atomic_load_explicit(&line->since_ns[w], memory_order_seq_cst);

        if (since_ns == 0 || since_ns >= best_ns || (since_ns < late_ns && w != worker->index))
            continue;
        best_ns = since_ns;
        best = (int)w;
    }
    return best;
}

/* Wakes who may have a place now. */
static void wake_first(struct worker *worker, const struct gate *gate)
{
    int first = gate->capped ? first_worker(worker, gate) : -1;

    if (gate->first)
        worker_look_later(worker);
    if (first >= 0 && (unsigned)first != worker->index)
        worker_poke_other(worker, (unsigned)first);
}

/* ---- places ---- */

/* One more, unless there are `most`. */
static bool take_one(_Atomic uint32_t *count, uint32_t most)
{
    uint32_t n = atomic_load_explicit(count, memory_order_seq_cst);

    while (n < most)
        if (atomic_compare_exchange_weak_explicit(count, &n, n + 1, memory_order_seq_cst,
                                                  memory_order_seq_cst))
            return true;
    return false;
}

static void give_one(_Atomic uint32_t *count)
{
    atomic_fetch_sub_explicit(count, 1, memory_order_seq_cst);
}

bool gate_enter(struct worker *worker, struct gate *gate, uint32_t target_slot)
{
    struct gate_line *line = line_of(worker, gate);

    if (!take_one(&line->inside, gate->group_most))
        return false;
    if (take_one(&worker->shared->gates.targets[target_slot], gate->target_most))
        return true;
    give_one(&line->inside);
    return false;
}

void gate_leave(struct worker *worker, struct gate *gate, uint32_t target_slot)
{
    give_one(&worker->shared->gates.targets[target_slot]);
    give_one(&line_of(worker, gate)->inside);
    if (gate_has_line(worker, gate))
        wake_first(worker, gate);
}

bool gate_has_line(const struct worker *worker, const struct gate *gate)
{
    if (!gate->capped)
        return gate->first != NULL;
    return atomic_load_explicit(&line_of(worker, gate)->waiting, memory_order_seq_cst) > 0;
}

bool gate_takes(const struct worker *worker, const struct gate *gate)
{
    const struct gate_line *line = line_of(worker, gate);
    uint32_t waiting = atomic_load_explicit(&line->waiting, memory_order_relaxed);

    return !gate->capped || waiting < gate->queue_most ||
           (waiting == 0 && atomic_load_explicit(&line->inside, memory_order_relaxed) < gate->group_most);
}

/* ---- the line ---- */

/* Says since when the first one waits that all have to let go first. */
static void say_first(struct worker *worker, const struct gate *gate)
{
    const struct txn *txn = gate->first;

    while (txn && txn->avoid)
        txn = txn->wait_next;
    atomic_store_explicit(&line_of(worker, gate)->since_ns[worker->index], txn ? txn->wait_since_ns : 0,
                          memory_order_seq_cst);
}

bool gate_join(struct gate *gate, struct txn *txn)
{
    struct worker *worker = txn->worker;

    if (!take_one(&line_of(worker, gate)->waiting, gate->queue_most)) {
        cell_add(&cells_of(worker, gate)->full, 1);
        return false;
    }
    txn->waiting = true;
    txn->wait_since_ns = worker->now_ns;
    txn->wait_prev = gate->last;
    txn->wait_next = NULL;
    if (gate->last)
        gate->last->wait_next = txn;
    else
        gate->first = txn;
    gate->last = txn;
    worker->gates.waiting++;
    cell_add(&cells_of(worker, gate)->queued, 1);
    cell_add(&cells_of(worker, gate)->waiting, 1);
    say_first(worker, gate);
    worker_look_later(worker); /* a place may have become free before the others could know */
    return true;
}

void gate_quit(struct gate *gate, struct txn *txn)
{
    struct worker *worker = txn->worker;
    int64_t ns = worker->now_ns - txn->wait_since_ns;

    BUG_ON(!txn->waiting);
    txn->waiting = false;
    if (txn->wait_prev)
        txn->wait_prev->wait_next = txn->wait_next;
    else
        gate->first = txn->wait_next;
    if (txn->wait_next)
        txn->wait_next->wait_prev = txn->wait_prev;
    else
        gate->last = txn->wait_prev;
    txn->waited_ns += ns;
    worker->gates.waiting--;
    cell_sub(&cells_of(worker, gate)->waiting, 1);
    cell_add(&cells_of(worker, gate)->queue_ns, (uint64_t)ns);
    say_first(worker, gate);
    give_one(&line_of(worker, gate)->waiting);
    if (gate_has_line(worker, gate))
        wake_first(worker, gate);
}

/* Whether no other worker has one that waits longer. */
static bool is_first(const struct worker *worker, const struct gate *gate, const struct txn *txn)
{
    int first = gate->capped ? first_worker(worker, gate) : -1;

    if (first < 0 || (unsigned)first == worker->index)
        return true;
    return txn->wait_since_ns <
           atomic_load_explicit(&line_of(worker, gate)->since_ns[first], memory_order_seq_cst);
}

static void let_in(struct worker *worker, struct gate *gate)
{
    struct txn *txn = gate->first;

    while (txn && is_first(worker, gate, txn)) {
        txn_go_on(txn);
        if (!txn->waiting ||
            txn->group->conf->slot != gate->slot) /* it is not freed before the end of the turn */
            txn = gate->first;
        else if (txn->avoid)
            txn = txn->wait_next;
        else
            return;
    }
}

/* After a new snapshot: those that may not wait here any more go elsewhere. What runs meanwhile joins at an
 * end. */
static void move_out(struct gate *gate)
{
    for (struct txn *txn = gate->first, *next; txn; txn = next) {
        next = txn->wait_next;
        if (place_is_elsewhere(txn))
            txn_go_on(txn);
    }
}

void gates_look(struct worker *worker)
{
    struct gates *gates = &worker->gates;
    bool is_new = gates->looked != worker->routes->version;

    gates->looked = worker->routes->version;
    for (size_t slot = 0; slot < CONFIG_GROUPS_MAX && gates->waiting > 0; slot++) {
        struct gate *gate = gates->by_slot[slot];

        if (!gate || !gate->first)
            continue;
        if (is_new)
            move_out(gate);
        let_in(worker, gate);
    }
}
