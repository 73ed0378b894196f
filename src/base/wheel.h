/*
 * A hashed timer wheel (Varghese and Lauck 1987): thousands of deadlines that mostly move and seldom fire.
 * Setting, moving and cancelling are O(1); a deadline that moves later stays where it lies and is put right
 * when its slot comes round. A timer fires at the first advance at or after its due time, at most one tick
 * late.
 *
 * A wheel and its timers belong to one thread. A timer is embedded in what it is for; while it is set it must
 * not move or be freed.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/bug.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WHEEL_SLOTS = 512,
    WHEEL_TICK_MS = 20,
};

struct wheel_timer {
    struct wheel_timer *prev, *next; /* in its slot; NULL when not set */
    int64_t due_ns;                  /* when it fires */
    int64_t slot_tick;               /* the tick in whose slot it lies */
    void (*fire)(struct wheel_timer *timer, int64_t now_ns);
};

struct wheel {
    struct wheel_timer slots[WHEEL_SLOTS]; /* list heads */
    int64_t tick;                          /* ticks up to and including this one have been visited */
    size_t len;                            /* timers set */
};

void wheel_init(struct wheel *wheel, int64_t now_ns);
/* Prepares a timer that is not set. `fire` may set or cancel any timer of the wheel, and free its owner. */
void wheel_timer_init(struct wheel_timer *timer, void (*fire)(struct wheel_timer *, int64_t));
/* Sets or moves. A time that has passed fires at the next advance, never inside this call. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, int64_t due_ns);
/* Does nothing when the timer is not set. */
void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer);
static inline bool wheel_is_set(const struct wheel_timer *timer)
{
    return timer->next != NULL;
}
/* Fires what is due at `now_ns` (monotonic). Call about once a tick while len > 0. */
void wheel_advance(struct wheel *wheel, int64_t now_ns);

#endif
