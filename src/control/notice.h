/*
 * A notice: the record of a decision in the shape that its receiver reads. Shapes: the record itself; an
 * incoming webhook of Slack (text and blocks); PagerDuty's Events API v2; a notification as Amazon SNS posts
 * it. Pure. Thread: any.
 */
#ifndef CONTROL_NOTICE_H
#define CONTROL_NOTICE_H

#include "base/bug.h"
#include "conf/config.h"

#include <jansson.h>
#include <stdbool.h>

enum { NOTICE_ID_MAX = 128 };

struct notice {
    char id[NOTICE_ID_MAX]; /* the same whenever it is sent; printable ASCII without blanks */
    char *body;             /* owned */
};

/* Whether its receiver wants to know of this record. */
bool notice_is_wanted(const struct config_notice *conf, const json_t *record);
/* `service`: what the whole calls itself. False when the record makes no notice. */
MUST_CHECK bool notice_make(struct notice *notice_r, const struct config_notice *conf, const char *service,
                            const json_t *record);
/* PagerDuty: the alert of an earlier rollout of a route is over. */
MUST_CHECK bool notice_resolve(struct notice *notice_r, const struct config_notice *conf, const char *service,
                               const char *rollout, const json_t *record);
/* PagerDuty: the record opens an alert. */
bool notice_alerts(const struct config_notice *conf, const json_t *record);
void notice_fini(struct notice *notice);
const char *notice_content_type(enum config_notice_kind kind);

#endif
