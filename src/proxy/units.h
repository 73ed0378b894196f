/*
 * Who has failed already: one bad event of a unit (a client, a session) and metric counts per window, over
 * both groups, so that one broken session or one bot is one piece of evidence and not hundreds
 * (decisions.md 2.4).
 *
 * A direct-mapped table of the seconds of counted events, per route, shared by all workers. Two units that
 * fall on one slot suppress each other without regard to their group: power is lost, never validity. Only bad
 * requests touch it. The guards of shape have a table of their own: a healthy group's answers are beyond
 * their quantiles all the time, and would take the slots of the failures that the others are about.
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

/* The tables of a route. Written by control (release) before the snapshot that needs them is published, read
 * by workers (acquire); once there, they stay. */
struct unit_tables {
    _Atomic(struct units *) judged;
    _Atomic(struct units *) guards; /* NULL until a plan has guards */
};

/* Makes what is not there yet. Thread: control. */
void unit_tables_cover(struct unit_tables *tables, bool guards);
/* Nobody may use them any more. */
void unit_tables_fini(struct unit_tables *tables);
/* The table of guards, or of the other metrics; it must be there. Thread: any. */
struct units *unit_tables_get(struct unit_tables *tables, bool guard);

/*
 * Whether this bad event counts: no event of its slot was counted less than `window_s` ago; if so it starts
 * the window. `hash` is a keyed hash of unit and metric; `now_s` (monotonic seconds, > 0) may lag between
 * threads. Thread: any worker.
 */
bool units_first(struct units *units, uint64_t hash, uint32_t now_s, uint32_t window_s);

#endif
