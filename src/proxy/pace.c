#include "proxy/pace.h"

#include "base/clk.h"

enum {
    FIRST_LOOK = 3
}; /* the first look is after this part of a window, to have something to compare with */

/* The time that so many bytes may take at the rate, or `most_ns`. */
static int64_t time_for(uint64_t bytes, uint64_t rate, int64_t most_ns)
{
    if (bytes / rate >= (uint64_t)(most_ns / NS_PER_S) + 1)
        return most_ns;
    return (int64_t)(bytes * (uint64_t)NS_PER_S / rate);
}

void pace_in_note(struct pace_in *pace, uint64_t received, bool waits, uint64_t rate, int64_t start_ns,
                  int64_t most_ns, int64_t now_ns)
{
    if (rate == 0)
        return;
    if (most_ns < start_ns)
        most_ns = start_ns;
    if (!pace->begun)
        *pace = (struct pace_in){.begun = true, .left_ns = start_ns, .seen = received};
    if (pace->since_ns)
        pace->left_ns -= now_ns - pace->since_ns;
    pace->left_ns += time_for(received - pace->seen, rate, most_ns);
    if (pace->left_ns > most_ns)
        pace->left_ns = most_ns;
    pace->seen = received;
    pace->since_ns = waits ? now_ns : 0;
}

int64_t pace_out_wait(struct pace_out *pace, int64_t window_ns, int64_t now_ns)
{
    if (!pace->since_ns)
        *pace = (struct pace_out){.since_ns = now_ns, .due_ns = now_ns + window_ns / FIRST_LOOK};
    return pace->due_ns > now_ns ? pace->due_ns - now_ns : 1;
}

enum pace_verdict pace_out_look(struct pace_out *pace, uint64_t taken, uint64_t rate, int64_t window_ns,
                                int64_t now_ns)
{
    uint64_t got = taken - pace->mark;
    int64_t due_ns = now_ns + window_ns;

    if (!pace->mark_ns)
        due_ns = pace->since_ns + window_ns;
    else if (got == 0)
        return PACE_STALLED;
    else if (rate && time_for(got, rate, 2 * window_ns) < now_ns - pace->mark_ns)
        return PACE_SLOW;
    if (due_ns <= now_ns)
        return PACE_STALLED; /* the first look comes after a whole window, in which no room was made */
    pace->mark = taken;
    pace->mark_ns = now_ns;
    pace->due_ns = due_ns;
    return PACE_GOES_ON;
}
