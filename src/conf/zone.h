/*
 * Time zones from the system's database, for the windows and freezes of a plan. decide/zone parses the bytes;
 * this finds and reads them.
 */
#ifndef CONF_ZONE_H
#define CONF_ZONE_H

#include "base/bug.h"
#include "base/str.h"
#include "decide/plan.h"

#include <stdbool.h>

/*
 * Puts the zone with this IANA name ("Asia/Tokyo") into the plan, unless it is there. Only files below
 * /usr/share/zoneinfo can be meant: a name is made of letters, digits, '_', '+' and '-', in parts with '/'
 * between. Errors: false with a reason in `why_r`, which the caller frees. Blocks on a file.
 */
MUST_CHECK bool zone_load(struct plan *plan, struct str name, char **why_r);

#endif
