/*
 * The whole state of a rollout as JSON, for the store: what a restart, or the next version of this program,
 * goes on from. Ownership: json_t results are new references of the caller. Thread: any; pure.
 */
#ifndef DECIDE_STATE_H
#define DECIDE_STATE_H

#include "base/bug.h"
#include "decide/plan.h"
#include "decide/rollout.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

json_t *rollout_to_json(const struct rollout *rollout);
/*
 * Restores what rollout_to_json gave. `plan` is the plan that it followed: the caller has compared the
 * hashes. Errors: false with the place and the reason in `why` (at most why_len bytes with NUL); `rollout` is
 * then undefined. The first rollout_step after it counts no time for the downtime.
 */
MUST_CHECK bool rollout_from_json(struct rollout *rollout, const struct plan *plan, const json_t *json,
                                  char *why, size_t why_len);

#endif
