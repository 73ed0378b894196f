/*
 * THE table of settings of a plan. A setting is a row here and a member of struct plan (decide/plan.h), and
 * nothing else; what they mean together is checked by plan_check.
 */
#ifndef CONF_PLAN_TABLE_H
#define CONF_PLAN_TABLE_H

#include "conf/schema.h"

/* Fills a struct plan after plan_init. */
extern const struct section plan_section;

#endif
