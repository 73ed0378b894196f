/*
 * The power of a plan (decide/power) for people and for programs; a part of `penstock check`.
 */
#ifndef CLI_CHECK_POWER_H
#define CLI_CHECK_POWER_H

#include "conf/report.h"
#include "decide/power.h"

#include <jansson.h>
#include <stdio.h>

/* A table on `out`: a line for each step and metric. */
void check_power_print(const struct power *power, const struct plan *plan,
                       const struct power_traffic *traffic, FILE *out);
/* The same as an object; a new reference. Times that never come are null. */
json_t *check_power_json(const struct power *power, const struct plan *plan,
                         const struct power_traffic *traffic);
/* Adds what the plan cannot find out to the report, as warnings of the file. */
void check_power_warn(const struct power *power, const struct plan *plan, const struct power_traffic *traffic,
                      const char *path, struct conf_report *report);

#endif
