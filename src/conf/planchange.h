/*
 * What tells one plan from another, for people and for the record of decisions.
 */
#ifndef CONF_PLANCHANGE_H
#define CONF_PLANCHANGE_H

#include "base/str.h"

#include <jansson.h>

enum { PLANCHANGE_MAX = 100 }; /* that are listed; more are left out */

/*
 * The values that differ in two texts of plans, short forms written out: an array of {"path", "from", "to"},
 * such as {"path": "steps[2].minDwell", "from": "6h", "to": "1d"}; null where there is none. Comments, order
 * of keys and layout do not matter. A new reference; the texts are borrowed for the call and can be read.
 * Thread: any.
 */
json_t *planchange_list(struct str from, struct str to);

/* "steps[2].minDwell 6h -> 1d, watch none -> false, and 3 more" */
void planchange_say(const json_t *changes, struct buf *out);

#endif
