/*
 * The families of made-up traffic: what can happen while a canary is tried, one row each. A family and a seed
 * make one trace, the same each time.
 */
#ifndef REPLAY_FAMILY_H
#define REPLAY_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

/* What a good judge does with it. */
enum family_class {
    CLASS_HEALTHY, /* reaches 100 % */
    CLASS_COMMON,  /* both groups suffer: not sent back */
    CLASS_WAIT,    /* holds or retreats, then reaches 100 % */
    CLASS_BAD,     /* goes back */
};

enum family_kind {
    FAMILY_HEALTHY,
    FAMILY_LOWTRAFFIC,
    FAMILY_SLOWER10,
    FAMILY_DIURNAL,
    FAMILY_COLDSTART,
    FAMILY_CLIENT4XX,
    FAMILY_BOT,
    FAMILY_BOT_STICKY,
    FAMILY_GAP,
    FAMILY_PUSH,
    FAMILY_BURSTY,
    FAMILY_COMMON60,
    FAMILY_COMMON_LONG,
    FAMILY_CAP_SCALEOUT,
    FAMILY_ERR_X3,
    FAMILY_ERR_X10,
    FAMILY_HARD50,
    FAMILY_SLO3,
    FAMILY_LEAK,
    FAMILY_CAPACITY,
    FAMILY_FLAPPING,
    FAMILY_BAD_TASK,
    FAMILY_KEYS2,
    FAMILY_CANARY4XX,
    FAMILY_LATE_X10,
    FAMILY_LOW_BAD,
    FAMILY_DIURNAL_BAD,
    FAMILY_REAL_HEALTHY, /* from here on with series of the real world, see real.h */
    FAMILY_REAL_BAD,
    FAMILY_REAL_FAST,
    FAMILIES,
};

struct family {
    const char *name;
    enum family_class class;
    bool low;     /* less than 20 requests a second: not in the figures of time to 100 % */
    double hours; /* of the trace */
};

extern const struct family families[FAMILIES];

/* FAMILIES when none has this name. */
enum family_kind family_find(const char *name);

#endif
