/*
 * The demo's target groups: real HTTP/1.1 servers on loopback ports, one thread a group, that answer as a
 * service would: log-normal times, a small share of errors, and on demand the troubles of a bad release.
 *
 * A target's answer is a small JSON object that says who answered. Requests of any method and body are taken.
 */
#ifndef CLI_DEMO_TARGET_H
#define CLI_DEMO_TARGET_H

#include "base/bug.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DEMO_TARGETS_MAX = 8, /* a group */
    DEMO_WHY_MAX = 256,
};

/* How every target of a group answers. */
struct demo_behaviour {
    double errors;       /* share of the answers that are 500 */
    int64_t median_ns;   /* of the time to answer */
    double sigma;        /* of its logarithm */
    int64_t extra_ns;    /* added to every answer */
    double capacity;     /* requests a second that the group bears; more wait in a queue; 0: any number */
    int64_t patience_ns; /* a longer wait in that queue is answered with 503 at once */
    bool down;           /* refuses connections, and has cut the open ones */
};

struct demo_group;

/* Starts `targets` servers on free ports. Errors: NULL with the reason. */
MUST_CHECK struct demo_group *demo_group_start(const char *platform, size_t targets,
                                               const struct demo_behaviour *behaviour, uint64_t seed,
                                               char why[static DEMO_WHY_MAX]);
/* Ends the servers. NULL is allowed. */
void demo_group_free(struct demo_group *group);

/* "127.0.0.1:41235". */
const char *demo_group_address(const struct demo_group *group, size_t target);
/* Changes the behaviour for the requests that come next. Thread: any. */
void demo_group_behave(struct demo_group *group, const struct demo_behaviour *behaviour);
/* Requests answered so far by all targets. Thread: any. */
uint64_t demo_group_answered(const struct demo_group *group);

/* The time to answer for a standard normal `z`, without the queue. Pure. */
int64_t demo_answer_ns(const struct demo_behaviour *behaviour, double z);
/*
 * A queue before what the group shares: takes one more request at `now_ns`. `*free_ns` is when all before it
 * is served and moves on. Gives how long the request has to wait; -1 when that is longer than the patience,
 * and the queue is then as before. Pure.
 */
int64_t demo_queue_wait(const struct demo_behaviour *behaviour, int64_t now_ns, int64_t *free_ns);

#endif
