/*
 * The presets whose values have places instead of names: one line of text for each request.
 * Thread: any; pure.
 */
#ifndef EXPORT_LOGPLAIN_H
#define EXPORT_LOGPLAIN_H

#include "base/str.h"
#include "export/logread.h"

/* A text of a line of ours (without its quotes) as it may stand in a line of text, also between double quotes
 * and tabs: what would end it or cannot be seen is written as \xHH, as nginx does. */
void logplain_text(struct str text, struct buf *out);
/* An entry of an AWS Application Load Balancer with its first 30 fields; the group's name stands for the
 * target group's ARN. Source: Elastic Load Balancing user guide, "Access logs for your Application Load
 * Balancer". */
void logplain_alb(const struct logread *read, struct buf *out);
/* Apache's and nginx's combined format; behind it platform, group, target and seconds. */
void logplain_combined(const struct logread *read, struct buf *out);

#endif
