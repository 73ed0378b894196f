/*
 * The kinds of values that only plans have, and what their tables share.
 */
#ifndef CONF_PLAN_TYPES_H
#define CONF_PLAN_TYPES_H

#include "base/clk.h"
#include "conf/schema.h"

#define S    NS_PER_S
#define HOUR (3600 * S)
#define DAY  (24 * HOUR)
#define NAME .inside = true /* text lies in the struct */

/*
 * type        place                                     written as
 * statuses    struct plan_range                         503, 500-599
 * pair        double[2]                                 [2, 4]
 * unit        struct plan_analysis: unit, unit_name     client, request, header:NAME, cookie:NAME
 * days        uint8_t                                   mon-thu
 * clock       uint16_t, range in minutes                "10:00"
 * time_zone   char[], and zones of the plan             Asia/Tokyo
 * date_from   int64_t, local seconds                    2026-12-28, 2026-12-28T10:00
 * date_to     the same; a date alone is its end
 * shield_on   uint32_t: PLAN_SHIELD_x                    [connect, 502]
 * fixed_hold  nothing: any other word is refused        hold
 * fixed_release  the same                               release
 */
extern const struct schema_type type_statuses, type_pair, type_unit, type_days, type_clock, type_time_zone,
    type_date_from, type_date_to, type_shield_on, type_fixed_hold, type_fixed_release;

#endif
