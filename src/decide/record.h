/*
 * Rollouts and decisions as JSON: what is stored, what the API shows and what the log says.
 * Ownership: json_t results are new references of the caller. Thread: any; pure.
 */
#ifndef DECIDE_RECORD_H
#define DECIDE_RECORD_H

#include "base/bug.h"
#include "decide/plan.h"
#include "decide/rollout.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The whole state, for the store. */
json_t *rollout_to_json(const struct rollout *rollout);
/*
 * Restores what rollout_to_json gave. `plan` is the plan that it followed: the caller has compared the
 * hashes. Errors: false with the place and the reason in `why` (at most why_len bytes with NUL); `rollout` is
 * then undefined. The first rollout_step after it counts no time for the downtime.
 */
MUST_CHECK bool rollout_from_json(struct rollout *rollout, const struct plan *plan, const json_t *json,
                                  char *why, size_t why_len);

/* The decision record. `route` and `id` (of the rollout) are the caller's; either may be NULL and is then
 * left out. Numbers that are not finite are null. */
json_t *decision_to_json(const struct decision *decision, const char *route, const char *id);
/* For status: state, the plan's steps as `track`, step, weight, ages, and per metric evidence, threshold,
 * counts, shares, ratio and gate.
 */
json_t *rollout_status_to_json(const struct rollout *rollout, const struct plan *plan);
/* The `metrics` part of it alone. */
json_t *evidence_to_json(const struct rollout *rollout, const struct plan *plan);

#endif
