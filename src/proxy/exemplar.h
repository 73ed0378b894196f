/*
 * One request as an example of many: which trace it belongs to, how long it took, and when. A worker puts the
 * last one of a kind into a cell, control reads it now and then; nobody waits, and what is read was put as a
 * whole. (A sequence lock whose stores are releases and whose loads are acquires; Boehm, "Can seqlocks get
 * along with programming language memory models?", 2012.)
 */
#ifndef PROXY_EXEMPLAR_H
#define PROXY_EXEMPLAR_H

#include "base/bug.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exemplar {
    uint64_t trace_high, trace_low;
    int64_t duration_ns;
    int64_t wall_ns;
};

enum { EXEMPLAR_WORDS = 4 };
struct exemplar_cell {
    _Atomic uint64_t turn; /* odd while the words change; 0: there was none */
    _Atomic uint64_t words[EXEMPLAR_WORDS];
};

/* Thread: the one that the cell belongs to. */
void exemplar_put(struct exemplar_cell *cell, const struct exemplar *exemplar);
/* False when there is none, or when another is being put just now. Thread: any. */
MUST_CHECK bool exemplar_get(const struct exemplar_cell *cell, struct exemplar *exemplar_r);

/*
 * Requests of a canary that failed, as examples for the report of a rollback: the last few of a route, those
 * whose trace is recorded apart from the others, so that they are not pushed out.
 */
struct failure {
    uint64_t trace_high, trace_low;
    int64_t wall_ns; /* when it was found to be bad */
    uint32_t target; /* its slot; UINT32_MAX: it had none */
    uint16_t status; /* of the target; 0: it had not answered */
    uint8_t outcome; /* enum outcome */
    bool slow;       /* beyond a threshold of the plan; it may still be under way */
    bool sampled;    /* the trace is recorded */
};

enum { FAILURES_KEPT = 8, FAILURE_WORDS = 4 };
struct failure_cell {
    _Atomic uint64_t turn; /* as above */
    _Atomic uint64_t words[FAILURE_WORDS];
};
struct failure_ring {
    struct failure_cell cells[FAILURES_KEPT];
    size_t next; /* the worker's own */
};
struct failures {
    struct failure_ring rings[2]; /* the second one of recorded traces */
};

/* Thread: the one that they belong to. */
void failures_put(struct failures *failures, const struct failure *failure);
/* Those that are there, in no order; gives their number. Thread: any. */
size_t failures_get(const struct failures *failures, bool sampled,
                    struct failure failures_r[static FAILURES_KEPT]);

#endif
