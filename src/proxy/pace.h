/*
 * How fast a client is: least rates for what it sends and for what it takes, so that nobody holds a
 * connection for long by a byte now and then (http.md A19). What is not the client's fault does not count:
 * only the time in which it is its move.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_PACE_H
#define PROXY_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A body on its way in. The client has an allowance of time, which runs while we wait for it; each byte adds
 * what it may take at the least rate, up to a cap, so that a burst does not pay for a long trickle.
 */
struct pace_in {
    bool begun;
    int64_t left_ns;  /* of the allowance */
    int64_t since_ns; /* we have waited for the client; 0: it is not its move */
    uint64_t seen;    /* bytes that were counted */
};

/*
 * Notes the bytes that have come so far, and whether more are awaited. `rate` is bytes a second, 0 for none;
 * `start_ns` the allowance at the beginning, `most_ns` its cap.
 */
void pace_in_note(struct pace_in *pace, uint64_t received, bool waits, uint64_t rate, int64_t start_ns,
                  int64_t most_ns, int64_t now_ns);
static inline bool pace_in_is_slow(const struct pace_in *pace)
{
    return pace->begun && pace->left_ns <= 0;
}

/*
 * An answer on its way out while the client's socket is full. What the kernel holds was sent, but not taken:
 * it can be megabytes, so it is asked, and only at the end of a window of time.
 */
struct pace_out {
    int64_t since_ns; /* the socket was full; 0: it is not */
    int64_t due_ns;   /* when to look next */
    int64_t mark_ns;  /* of the last look; 0: none yet */
    uint64_t mark;    /* bytes taken by then */
};

enum pace_verdict {
    PACE_GOES_ON,
    PACE_STALLED, /* nothing was taken */
    PACE_SLOW,    /* less than the rate */
};

/* The time until the next look; begins a window of `window_ns` (> 0) when none is open. */
int64_t pace_out_wait(struct pace_out *pace, int64_t window_ns, int64_t now_ns);
/* A look at or after due_ns: so many bytes have been taken so far. */
enum pace_verdict pace_out_look(struct pace_out *pace, uint64_t taken, uint64_t rate, int64_t window_ns,
                                int64_t now_ns);

#endif
