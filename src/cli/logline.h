/*
 * The lines of access logs: what one says of a request for the judge. Each format has a reader of its own:
 *
 *   penstock   the program's own JSON line (proxy/logfield.def); has all that is needed
 *   alb        AWS Application Load Balancer; the group is found by a text in the target's address or group
 * ARN combined   Apache and nginx, with a host before it or not, and with seconds behind it or not; the group
 * is found by a text anywhere in the line
 *
 * Thread: any; pure.
 */
#ifndef CLI_LOGLINE_H
#define CLI_LOGLINE_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum logline_format { LOGLINE_PENSTOCK, LOGLINE_ALB, LOGLINE_COMBINED };

enum logline_kind {
    LOGLINE_REQUEST, /* counts */
    LOGLINE_LEFT,    /* is left out: nobody drew its group, or its end says nothing about the group */
    LOGLINE_OTHER,   /* another route or group */
    LOGLINE_SAMPLED, /* stands for others that were not written: which went well, so that no share is true */
    LOGLINE_BAD,     /* no line of this format */
};

enum { LOGLINE_WEIGHT_UNKNOWN = UINT16_MAX };

struct logline {
    int64_t wall_ns; /* arrival */
    uint64_t unit;   /* a hash of the client */
    double ms;       /* 0: the log does not say */
    uint16_t status; /* of the target; 0: none came */
    uint16_t weight; /* in force at assignment, hundredths of a percent */
    bool canary;
    bool failed; /* the group did not answer */
};

/* What the lines are looked at for. Texts may be NULL. */
struct logline_rule {
    enum logline_format format;
    struct str route;          /* penstock: this one only; empty: any */
    struct str stable, canary; /* alb, combined: the texts by which a group is known; one may be empty */
};

/* The format of a log by its first line; false when it is none of them. */
MUST_CHECK bool logline_guess(struct str line, enum logline_format *format_r);
/* The route of a line of penstock's; empty when there is none. Borrowed from the line. */
struct str logline_route(struct str line);
enum logline_kind logline_read(const struct logline_rule *rule, struct str line, struct logline *line_r);

#endif
