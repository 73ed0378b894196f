/*
 * A plan played on recorded traffic: requests in, decisions out, with the engine's own weights choosing whose
 * answer comes true. One look a second as in control, on the same rollout and the same counting of units.
 * Nothing here reads a file or a clock.
 *
 * What nobody is there for is taken as given: an approval comes when it is asked for, a gate says yes, and
 * all targets are healthy. Thread: the caller's.
 */
#ifndef CLI_PLAYBACK_H
#define CLI_PLAYBACK_H

#include "base/hist.h"
#include "cli/counting.h"
#include "conf/config.h"
#include "conf/planfile.h"
#include "decide/rollout.h"
#include "decide/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* A decision worth a record; also when the weight has moved since the last one (a ramp). `weight` is in
 * force from `t` seconds on. Borrowed for the call. */
struct playback;
typedef void playback_report(void *arg, const struct playback *playback, int64_t t, uint32_t weight,
                             const struct decision *decision);

/* Who is given a request, and with which answer. */
enum playback_side { PLAYBACK_STABLE, PLAYBACK_CANARY, PLAYBACK_CANARY_ALT };

struct playback {
    const struct trace_head *head;
    const struct plan *plan;
    playback_report *report;
    void *arg;
    int64_t start_wall_ns; /* of t = 0 */

    struct rollout rollout; /* read by others */
    double w;               /* in force, a share; read by others */
    int64_t now;            /* the next look, seconds */
    uint64_t ordinal;       /* of the next request */
    struct trace_world world;
    struct counting counting;
    struct decision last;
    struct decision told; /* the last that was reported, at this weight */
    uint32_t told_weight;

    struct tally tally;  /* since the last look */
    struct hist latency; /* stable's; only with guards */
};

/* A trace as if it were a route of a configuration, for the plan to be read for. */
struct playback_route {
    struct trace_head head;
    struct config config;
    struct config_group groups[2];
    struct config_route route;
    struct plan_target target;
};
/* Nothing has to be freed. `*route_r` must not move. */
void playback_route(const struct trace_head *head, struct playback_route *route_r);

/* `head` and `plan` (finished and checked) are borrowed until playback_fini. `report` may be NULL. */
void playback_init(struct playback *playback, const struct trace_head *head, const struct plan *plan,
                   int64_t start_wall_ns, playback_report *report, void *arg);
void playback_fini(struct playback *playback);
/* The next request: first all looks that are due by then. */
enum playback_side playback_feed(struct playback *playback, const struct trace_request *request);
/* The looks until the time `t` (exclusive), without requests. To the horizon at the end of a trace. */
void playback_run(struct playback *playback, double t);

#endif
