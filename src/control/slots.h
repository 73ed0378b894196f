/*
 * Identities in the counters that outlive a reload: what a config calls a route, a group or a target is given
 * the same number as in the config before, and what is new a number that nobody had. A number is never given
 * twice, because the cells behind it are not reset.
 *
 * Thread: control.
 */
#ifndef CONTROL_SLOTS_H
#define CONTROL_SLOTS_H

#include "base/bug.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slots;

struct slots *slots_new(void);
void slots_free(struct slots *slots);

/*
 * Gives every route, group and target of a config its number. A route with another pair of groups, or a group
 * with another platform, counts as new: its counters carry other labels. Errors: false when the numbers are
 * used up; `why` then says of what; the config must not be used.
 */
MUST_CHECK bool slots_assign(struct slots *slots, struct config *config, char *why, size_t why_len);

#endif
