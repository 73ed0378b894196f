/*
 * Requests put into the order of their arrival, as logs do not have them: a line is written when its request
 * has ended. They wait by the second of their arrival until nothing earlier is to be expected, and each
 * second is then sorted at once.
 *
 * Memory: ARRIVALS_MAX requests at most, 128 MiB, and twice the busiest second for its sorting.
 * Thread: the caller's.
 */
#ifndef CLI_ARRIVALS_H
#define CLI_ARRIVALS_H

#include "cli/logline.h"

#include <stddef.h>
#include <stdint.h>

enum {
    ARRIVALS_WAIT_S = 60,   /* how much later than its request a line may come */
    ARRIVALS_SECONDS = 64,  /* more than that */
    ARRIVALS_MAX = 1 << 22, /* that wait; the oldest second goes when there are more */
};

struct arrivals_block;
/* A request in its turn; one that came too late has its turn at once. Borrowed for the call. */
typedef void arrivals_take(void *arg, const struct logline *line);

/* A second's requests, in the order in which they came. */
struct arrivals_second {
    struct arrivals_block *first, *last;
    size_t len;
};

struct arrivals {
    arrivals_take *take;
    void *arg;
    struct arrivals_second seconds[ARRIVALS_SECONDS]; /* by second modulo their number */
    int64_t oldest_s, newest_s;     /* the seconds that wait, since 1970; oldest > newest: none has come */
    size_t len, max;                /* max: ARRIVALS_MAX, or less */
    struct arrivals_block *spare;   /* owned */
    struct logline *sorted, *other; /* owned, for `cap` requests each */
    size_t cap;
};

void arrivals_init(struct arrivals *arrivals, arrivals_take *take, void *arg);
void arrivals_fini(struct arrivals *arrivals);
void arrivals_add(struct arrivals *arrivals, const struct logline *line);
/* All that waits has its turn. */
void arrivals_end(struct arrivals *arrivals);

#endif
