/*
 * Who has failed already: one bad event of a unit (a client, a session) and metric counts per window, over
 * both groups, so that one broken session or one bot is one piece of evidence and not hundreds
 * (decisions.md 2.4).
 *
 * A direct-mapped table of the seconds of counted events, per route, shared by all workers. Two units that
 * fall on one slot suppress each other without regard to their group: power is lost, never validity. Only bad
 * requests touch it.
 */
#ifndef PROXY_UNITS_H
#define PROXY_UNITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { UNITS_SLOTS = 65536 };

struct units {
    /* The second of the last counted event, 0 for none. Relaxed: the value alone matters, and a
     * compare-exchange settles who counts. */
    _Atomic uint32_t second[UNITS_SLOTS];
};

struct units *units_new(void);
void units_free(struct units *units);

/*
 * Whether this bad event counts: no event of its slot was counted less than `window_s` ago; if so it starts
 * the window. `hash` is a keyed hash of unit and metric; `now_s` (monotonic seconds, > 0) may lag between
 * threads. Thread: any worker.
 */
bool units_first(struct units *units, uint64_t hash, uint32_t now_s, uint32_t window_s);

#endif
