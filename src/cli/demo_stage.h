/*
 * The stage of the demo: two groups of servers, the proxy before them, clients, and a rollout between them.
 * It knows the rollout only as everybody else can, through the admin API.
 *
 * Thread: one; the servers, the proxy and the clients have their own.
 */
#ifndef CLI_DEMO_STAGE_H
#define CLI_DEMO_STAGE_H

#include "base/bug.h"
#include "cli/demo_fault.h"
#include "cli/demo_files.h"
#include "cli/demo_view.h"
#include "cli/remote.h"
#include "cli/state.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct demo_stage_options {
    enum demo_fault fault;
    double speed;           /* of the plan */
    double rate;            /* of the clients, requests a second */
    const char *access_log; /* absolute path, or NULL; borrowed for the stage's life */
};

struct demo_group;
struct demo_proxy;
struct demo_traffic;

struct demo_stage {
    struct demo_stage_options options; /* `fault` may be changed at any time */
    struct demo_group *stable, *canary;
    struct demo_files files;
    struct demo_proxy *proxy;
    struct remote remote;
    struct demo_traffic *traffic;

    int64_t start_ns;  /* monotonic */
    int64_t canary_ns; /* the canary's first request; 0: not yet */
    json_t *status;    /* the last answer; `route` borrows from it */
    struct state_route route;
    json_t *decisions;  /* the last ones, oldest first */
    json_int_t last_id; /* of them */
    bool again;         /* a new rollout from 0 is wanted as soon as the present one is over */
};

/* Starts everything; the rollout begins by itself a little later. False with the reason printed; close it all
 * the same. */
MUST_CHECK bool demo_stage_open(struct demo_stage *stage, const struct demo_stage_options *options);
/* Ends everything and leaves nothing behind. */
void demo_stage_close(struct demo_stage *stage);

/* Asks what there is to know, and lets the groups behave as the script has it. False with the reason. */
MUST_CHECK bool demo_stage_look(struct demo_stage *stage, int64_t now_ns, char why[static REMOTE_WHY_MAX]);
/* Gives the rollout an order ("pause"). False with the reason. */
MUST_CHECK bool demo_stage_order(struct demo_stage *stage, const char *order,
                                 char why[static REMOTE_WHY_MAX]);
/* Wants a new rollout from 0: aborts the present one, and demo_stage_look starts the next. */
MUST_CHECK bool demo_stage_restart(struct demo_stage *stage, char why[static REMOTE_WHY_MAX]);

/* All that can be shown; borrows from the stage until its next look. */
void demo_stage_show(const struct demo_stage *stage, int64_t now_ns, struct demo_show *show_r);

#endif
