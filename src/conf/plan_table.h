/*
 * THE table of settings of a plan. A setting is a row here and a member of struct plan (decide/plan.h), and
 * nothing else; what they mean together is checked by plan_check.
 */
#ifndef CONF_PLAN_TABLE_H
#define CONF_PLAN_TABLE_H

#include "conf/schema.h"

/* Fills a struct plan after plan_init. */
extern const struct section plan_section;
/* Its parts in files of their own: how it is judged, and the way from 0 to 100 and back. */
extern const struct section plan_analysis_section, plan_threshold_section, plan_flagger_section;
extern const struct setting plan_step_row;
extern const struct section plan_ramp_section, plan_watch_section, plan_rollback_section, plan_shield_section,
    plan_affinity_section, plan_budget_section;

#endif
