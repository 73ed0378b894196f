/*
 * `penstock replay` of access logs: files in, lines of what the plan would have said out.
 */
#ifndef CLI_REPLAY_LOG_H
#define CLI_REPLAY_LOG_H

#include "base/bug.h"
#include "cli/lines.h"
#include "cli/logline.h"
#include "decide/plan.h"

#include <stdbool.h>
#include <stddef.h>

struct replay_log {
    const struct plan *plan;
    struct logline_rule rule;
    const char *stable, *canary; /* what texts call the groups */
    const char *weights_path;    /* NULL: none */
    const char *const *paths;    /* in the order of time; the first is open already */
    size_t paths_len;
};

/* `first` is the first line of the first file, which `lines` has open; both are the caller's. False after an
 * error, which has been said. */
MUST_CHECK bool replay_log_run(const struct replay_log *replay, struct lines *lines, struct str first);

#endif
