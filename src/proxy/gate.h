/*
 * The gate of a group: how many requests may be in flight to each target and to the group as a whole, over
 * all workers, and the line of those that wait for a place (http.md section 2.4), or for a connection where
 * their worker has as many as it may.
 *
 *   no place, or somebody waits ──> line ──┬── a place is free and it is the first ──> goes on
 *                                          ├── its time is over ──> 503
 *                                          └── the client leaves
 *   the line is full ──> 503
 *
 * The counts are shared; each worker has a line of its own requests and says since when the first one waits.
 * The oldest of these goes first, and nobody who comes passes one who waits. Who gives a place back wakes the
 * worker of the first one; each worker also looks at every tick, so that nothing depends on that. A worker
 * that stands still holds the others up for no longer than its first one may wait.
 *
 * A retry waits for another target than the one that has failed. It does not hold up those behind it, which
 * may go where it does not want to.
 *
 * Counts and lines are kept by slot, so that a reload changes nothing but the caps. What is in flight when a
 * group gets its first cap counts too.
 *
 * Without a cap nothing is counted, and a line is its worker's own business: what is waited for are
 * connections of that worker.
 *
 * Thread: struct gates_shared any, the rest the worker's.
 */
#ifndef PROXY_GATE_H
#define PROXY_GATE_H

#include "base/bug.h"
#include "conf/config.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct txn;
struct worker;

/* What the workers share of one group. */
struct gate_line {
    _Atomic uint32_t inside; /* requests with a place; relaxed, but see `waiting` */
    /* Requests in the lines of all workers. With the counts in one order (seq_cst): who joins looks for a
     * place afterwards, who gives a place back looks for waiting ones afterwards, so that one of them sees
     * the other. */
    _Atomic uint32_t waiting;
    /* By worker, monotonic ns: since when the first of its line waits; 0: none. Written by that worker
     * (seq_cst, as above), read by all. */
    _Atomic int64_t since_ns[CONFIG_WORKERS_MAX];
};

struct gates_shared {
    struct gate_line lines[CONFIG_GROUPS_MAX];
    _Atomic uint32_t targets[CONFIG_TARGETS_MAX]; /* requests with a place at this target, as `inside` */
};

/* A group as one worker sees it. */
struct gate {
    bool capped;
    uint32_t slot;
    uint32_t group_most, target_most; /* UINT32_MAX: any number */
    uint32_t queue_most;
    int64_t wait_ns;
    struct txn *first, *last; /* this worker's line */
};

/* Of a worker. */
struct gates {
    struct gate *by_slot[CONFIG_GROUPS_MAX]; /* made when a snapshot names the group */
    uint32_t waiting;                        /* in all of its lines */
    uint64_t looked; /* version of the snapshot with which the lines were gone through last */
};

/* Takes the caps of the worker's snapshot. */
void gates_adopt(struct worker *worker);
void gates_fini(struct worker *worker);
/* Lets those go on who may, and those whose side has lost all weight go to the other one. */
void gates_look(struct worker *worker);

/* A place at a target of the group; false when there is none. */
MUST_CHECK bool gate_enter(struct worker *worker, struct gate *gate, uint32_t target_slot);
/* Gives it back, and wakes who may have it. */
void gate_leave(struct worker *worker, struct gate *gate, uint32_t target_slot);
/* Whether somebody waits, so that one who comes has to wait too. */
bool gate_has_line(const struct worker *worker, const struct gate *gate);
/* Whether one more would find a place or could wait for one: a hint. */
bool gate_takes(const struct worker *worker, const struct gate *gate);

/* Joins the end of the line. False when it is full. */
MUST_CHECK bool gate_join(struct gate *gate, struct txn *txn);
/* Leaves the line, whatever the reason, and adds up the time. Only for one that waits. */
void gate_quit(struct gate *gate, struct txn *txn);

#endif
