/*
 * Another plan for a rollout that runs. Without force only what is still to come may change: the steps behind
 * the present one, windows and freezes. With force everything may but what is judged: the ledger of
 * falseRollback is about one question, and an answer to a part of another would not count for it.
 */
#ifndef DECIDE_AMEND_H
#define DECIDE_AMEND_H

#include "base/bug.h"
#include "decide/rollout.h"

#include <stdbool.h>

/*
 * Puts the rollout, which follows `old`, at its place in `plan`; both finished and checked. Evidence, counts,
 * clocks and the ledger stay as they are. Errors: false, and the rollout as it was, when `plan` changes more
 * than it may; `why` then says what, and what would do. Thread: any; pure.
 */
MUST_CHECK bool rollout_amend(struct rollout *rollout, const struct plan *old, const struct plan *plan,
                              bool force, char why[static ROLLOUT_WHY_MAX]);

#endif
