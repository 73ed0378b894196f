/*
 * From a file, or from the body of a request, to a struct plan. A plan that loads has passed plan_check.
 *
 * Blocks on files (the plan, time zones). Thread: control, or a command.
 */
#ifndef CONF_PLANFILE_H
#define CONF_PLANFILE_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"
#include "conf/report.h"
#include "decide/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* For which route a plan is read: it must fit its groups, and may leave the SLO to it. */
struct plan_target {
    const struct config *config;
    const struct config_route *route;
    const enum judge_kind *judge; /* instead of the plan's; NULL: the plan's */
    bool recorded;                /* for a record: nobody is asked, so sources need not be there */
};

/*
 * Loads a plan; "-" is standard input. `target` may be NULL: then the plan is checked by itself.
 * Ownership: *plan_r is the caller's, plain data (large: keep it on the heap). Errors: false when there was
 * any error; *plan_r is then undefined. Errors and warnings go to `report`; ask it also on success.
 */
MUST_CHECK bool plan_load(const char *path, const struct plan_target *target, struct plan *plan_r,
                          struct conf_report *report);

/* The same from memory, under the name `name`. With `env`, ${NAME} is a variable of our environment; a plan
 * that somebody sends must not read it, so the admin API gives false. */
MUST_CHECK bool plan_load_bytes(const char *name, struct str bytes, bool env,
                                const struct plan_target *target, struct plan *plan_r,
                                struct conf_report *report);

/* The plan as YAML, with its short form (conf/shortform) written out as steps; comments are lost. "-" is
 * standard input. The caller frees the text. Errors: NULL when it cannot be read; what is wrong with its
 * short form goes to the report beside the text, and everything else is plan_load's to say. */
MUST_CHECK char *plan_expanded(const char *path, struct conf_report *report);

/* Tells whether a plan's text has changed: FNV-1a of 64 bits (Fowler, Noll, Vo). No proof against forgery.
 * Thread: any; pure. */
uint64_t plan_hash(struct str bytes);

#endif
