/*
 * The reader of access logs in every preset, also as others write them (an AWS load balancer, nginx, Apache):
 * a line in, the facts of a request out. Whatever reads a log (penstock report, penstock replay) reads it
 * through this.
 *
 *   json, ecs, otel, ltsv   by name (proxy/logfield.def); a line of ours has all that there is
 *   alb                     AWS Application Load Balancer, also of earlier years with fewer fields
 *   combined                Apache and nginx, with a host before it or not, and with seconds behind it or
 * not; ours has platform, group, target and seconds behind it
 *
 * What a line does not say is left unknown; nothing is made up. Thread: any, one at a time for each reader;
 * pure.
 */
#ifndef EXPORT_LOGREADER_H
#define EXPORT_LOGREADER_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOGREADER_PRESETS = CONFIG_LOG_LTSV + 1 };
#define LOGREADER_SENT_MAX 1e15 /* bytes; an answer of more is not believed */

/* A request. Numbers are -1 and texts empty where the line does not say. Texts are borrowed from the line, as
 * they stand there (escapes and all), without quotes. */
struct logentry {
    int64_t
        wall_ns; /* when it arrived, since 1970; of alb and combined of others: when its line was written */
    int64_t duration_ns;   /* of an upgrade: until it was granted */
    int64_t sent;          /* bytes to the client */
    int32_t status;        /* to the client; 0: none was sent */
    int32_t target_status; /* 0: the target did not answer */
    int32_t weight;        /* in force when the side was drawn, hundredths of a percent */
    double kept;           /* the share of requests like this one that were written; 1: all */
    struct str route, platform, group, side, target, assignment, outcome, blame, client;
    struct str synthetic;      /* test: of a monitor or a load test, which no judge sees */
    struct str before, behind; /* combined: what stands before the time, and behind the user agent */
    const char *why;           /* when the line could not be read: what is wrong with it, constant */
};

struct logreader;

/* Owned by the caller. Never NULL. */
struct logreader *logreader_new(void);
/* NULL is allowed. */
void logreader_free(struct logreader *reader);
/* False when it is no line of the preset; entry_r->why then says why. */
MUST_CHECK bool logreader_read(const struct logreader *reader, enum config_log_format preset, struct str line,
                               struct logentry *entry_r);
/* The preset of a log by one of its lines; false when it is none of them. */
MUST_CHECK bool logreader_guess(const struct logreader *reader, struct str line,
                                enum config_log_format *preset_r);
/* "json", "ecs", ... */
const char *logreader_name(enum config_log_format preset);
/* The preset of that name; false when there is none. */
MUST_CHECK bool logreader_named(const char *name, enum config_log_format *preset_r);
/* Whether its lines have names, and so can say which side of which route a request was given to. */
bool logreader_is_named(enum config_log_format preset);
/* Whether it is no line of a request but one of metrics (content: both). */
bool logreader_is_metrics(struct str line);

#endif
