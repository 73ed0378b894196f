/*
 * Another configuration for a running proxy: routes, groups, targets, limits and time-outs change at the next
 * request; weights, rollouts and counters stay. What would need new sockets or threads is refused, and so is
 * a file with errors: the old configuration then serves on.
 *
 * Thread: control. Blocks on files and the resolver.
 */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include "base/bug.h"
#include "conf/report.h"
#include "control/run.h"

struct board;

/*
 * Reads the configuration's file again and takes it. Errors: ORDER_INVALID with the places in `report`,
 * ORDER_REFUSED with what cannot change and the remedy in `why`. Warnings are in `report` in any case.
 */
MUST_CHECK enum order_result reload(struct board *board, struct conf_report *report,
                                    char why[static ORDER_WHY_MAX]);

#endif
