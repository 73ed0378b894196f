/*
 * Decisions and rollouts as JSON, for those who look: the journal and the log, the API and the page.
 * Ownership: json_t results are new references of the caller. Thread: any; pure.
 */
#ifndef DECIDE_RECORD_H
#define DECIDE_RECORD_H

#include "decide/plan.h"
#include "decide/rollout.h"

#include <jansson.h>

/*
 * A text as it is shown: those of decisions were cut to their maximum by bytes, and what is no UTF-8 any more
 * is shown as '?', not lost.
 */
json_t *record_text(const char *text);

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
