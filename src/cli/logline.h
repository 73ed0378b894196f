/*
 * What a line of an access log says of a request for the judge. The reader of the lines is export/logreader;
 * here stands which of them count, and for which side: a line with names says it, in others the group is
 * found by a text in the target's address or group (alb), or anywhere but in the client's own words
 * (combined).
 *
 * Thread: any; pure.
 */
#ifndef CLI_LOGLINE_H
#define CLI_LOGLINE_H

#include "base/bug.h"
#include "base/str.h"
#include "export/logreader.h"

#include <stdbool.h>
#include <stdint.h>

enum logline_kind {
    LOGLINE_REQUEST, /* counts */
    LOGLINE_LEFT,    /* is left out: nobody drew its group, its end says nothing about the group, or it is
                        synthetic */
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
    const struct logreader *reader; /* borrowed */
    enum config_log_format preset;
    struct str route;          /* with names: this one only; empty: any */
    struct str stable, canary; /* alb, combined: the texts by which a group is known; one may be empty */
};

/* The route of a line with names; empty when there is none. Borrowed from the line. */
struct str logline_route(const struct logline_rule *rule, struct str line);
enum logline_kind logline_read(const struct logline_rule *rule, struct str line, struct logline *line_r);

#endif
