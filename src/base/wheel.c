#include "base/wheel.h"

#include "base/clk.h"

static int64_t tick_of(int64_t ns)
{
    return ns / (WHEEL_TICK_MS * NS_PER_MS);
}

static void link_before(struct wheel_timer *head, struct wheel_timer *timer)
{
    timer->next = head;
    timer->prev = head->prev;
    head->prev->next = timer;
    head->prev = timer;
}

static void unlink_timer(struct wheel_timer *timer)
{
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->prev = timer->next = NULL;
}

static void empty(struct wheel_timer *head)
{
    head->prev = head->next = head;
}

void wheel_init(struct wheel *wheel, int64_t now_ns)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        empty(&wheel->slots[i]);
    wheel->tick = tick_of(now_ns);
    wheel->len = 0;
}

void wheel_timer_init(struct wheel_timer *timer, void (*fire)(struct wheel_timer *, int64_t))
{
    *timer = (struct wheel_timer){.fire = fire};
}

/* Into the slot of its due time, or the last one of this turn when it lies further away. */
static void place(struct wheel *wheel, struct wheel_timer *timer)
{
    int64_t tick = tick_of(timer->due_ns) + 1; /* up: never early */

    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    if (tick >= wheel->tick + WHEEL_SLOTS)
        tick = wheel->tick + WHEEL_SLOTS - 1;
    timer->slot_tick = tick;
    link_before(&wheel->slots[tick % WHEEL_SLOTS], timer);
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, int64_t due_ns)
{
    timer->due_ns = due_ns;
    if (wheel_is_set(timer)) {
        if (tick_of(due_ns) + 1 >= timer->slot_tick)
            return; /* later than its slot: put right when the slot comes round */
        unlink_timer(timer);
    } else {
        wheel->len++;
    }
    place(wheel, timer);
}

void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer)
{
    if (!wheel_is_set(timer))
        return;
    unlink_timer(timer);
    wheel->len--;
}

/* Takes the whole slot aside first, so that timers set meanwhile into the same slot wait for their turn. */
static void visit(struct wheel *wheel, struct wheel_timer *slot, int64_t now_ns)
{
    struct wheel_timer due;

    if (slot->next == slot)
        return;
    due.next = slot->next;
    due.prev = slot->prev;
    due.next->prev = &due;
    due.prev->next = &due;
    empty(slot);
    while (due.next != &due) {
        struct wheel_timer *timer = due.next;

        unlink_timer(timer);
        if (timer->due_ns > now_ns) {
            place(wheel, timer);
            continue;
        }
        wheel->len--;
        timer->fire(timer, now_ns);
    }
}

void wheel_advance(struct wheel *wheel, int64_t now_ns)
{
    int64_t now_tick = tick_of(now_ns);

    if (now_tick - wheel->tick > WHEEL_SLOTS)
        wheel->tick = now_tick - WHEEL_SLOTS; /* every slot once is enough after a long pause */
    while (wheel->tick < now_tick) {
        wheel->tick++;
        visit(wheel, &wheel->slots[wheel->tick % WHEEL_SLOTS], now_ns);
    }
}
