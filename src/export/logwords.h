/*
 * The readers of the presets whose values have places instead of names, the other direction of
 * export/logplain; for export/logreader. Thread: any; pure.
 */
#ifndef EXPORT_LOGWORDS_H
#define EXPORT_LOGWORDS_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>

struct logentry;

/* `entry` comes with everything unknown. False with entry->why. Source of alb: Elastic Load Balancing user
 * guide, "Access logs for your Application Load Balancer". */
MUST_CHECK bool logwords_alb(struct str line, struct logentry *entry);
MUST_CHECK bool logwords_combined(struct str line, struct logentry *entry);

#endif
