/*
 * What a target of a group bears, learned the hard way: when requests are refused because no place was free
 * (proxy/gate), what is served then is all that the targets bear. The figure is per target, so it grows with
 * them; it is raised when they serve more, and forgotten after a while, since a scaled or mended group is
 * another one.
 *
 * Thread: control.
 */
#ifndef CONTROL_CAPACITY_H
#define CONTROL_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

struct capacity {
    bool known;           /* the sums, targets and last_ns are those of a look */
    uint64_t served_sum;  /* at the last look, over the workers */
    uint64_t refused_sum; /* the same */
    uint32_t targets;
    int64_t last_ns;        /* monotonic */
    double served, refused; /* a second, over about ten seconds */
    double each;            /* requests a second of a target; 0: not known */
    int64_t until_ns;       /* monotonic, until when it holds */
};

/* Of the whole group, since the workers began. */
struct capacity_sums {
    uint64_t served;  /* tries at targets */
    uint64_t refused; /* for want of a place: at once, or after a wait */
    uint32_t healthy; /* targets that take work */
    uint32_t targets; /* all that `served` is of */
};

/* Takes the sums, about once a second. Returns requests a second that one healthy target bears; 0: not known.
 */
double capacity_look(struct capacity *capacity, const struct capacity_sums *sums, int64_t now_ns);

#endif
