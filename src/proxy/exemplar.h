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

#endif
