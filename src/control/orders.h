/*
 * What people order by the admin API: weights, locks, rollouts. Each is carried out before the call returns;
 * whether every worker has it yet is board_in_force's to say.
 *
 * Thread: control.
 */
#ifndef CONTROL_ORDERS_H
#define CONTROL_ORDERS_H

#include "base/bug.h"
#include "control/run.h"
#include "decide/words.h"

#include <stdbool.h>
#include <stdint.h>

struct board;
struct live;

/* Who orders, and why. */
struct order_by {
    const char *actor;  /* not NULL */
    const char *reason; /* may be NULL */
};

struct weight_order {
    bool has_weight;
    uint32_t weight; /* hundredths of a percent */
    bool has_lock;
    bool lock;
    bool no_rollback; /* with lock: automatic ways back are locked too */
};

/* Sets the weight of a route by hand, or its lock, or both. A rollout that runs takes note of it. */
MUST_CHECK enum order_result orders_weight(struct board *board, struct live *live,
                                           const struct weight_order *order, const struct order_by *by,
                                           char why[static ORDER_WHY_MAX]);
/* Begins a rollout by the text of a plan. */
MUST_CHECK enum order_result orders_start(struct board *board, struct live *live, struct str plan,
                                          const struct order_by *by, struct conf_report *report,
                                          char why[static ORDER_WHY_MAX]);
/* Gives the rollout of a route another plan; *changes_r as run_update. */
MUST_CHECK enum order_result orders_update(struct board *board, struct live *live,
                                           const struct run_update *update, struct conf_report *report,
                                           json_t **changes_r, char why[static ORDER_WHY_MAX]);
/* Any other word to the rollout of a route. */
MUST_CHECK enum order_result orders_rollout(struct board *board, struct live *live, enum command command,
                                            const struct order_by *by, char why[static ORDER_WHY_MAX]);

#endif
