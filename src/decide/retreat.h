/*
 * What a rollout remembers of a retreat: trouble that is linked to load. Plain data.
 */
#ifndef DECIDE_RETREAT_H
#define DECIDE_RETREAT_H

#include <stdbool.h>
#include <stdint.h>

struct retreat {
    uint32_t count;       /* retreats so far */
    int32_t metric;       /* that was bad */
    double share;         /* of the canary's requests that were bad before the last retreat */
    int64_t quiet_ns;     /* since then, without an incident */
    bool small;           /* raises are made small */
    bool raised;          /* and the first one is made */
    bool forgiving;       /* errors too are left out in the present grace */
    uint32_t held_health; /* healthy canary targets when it was held */
};

#endif
