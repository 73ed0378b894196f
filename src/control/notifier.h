/*
 * Tells others of decisions: the receivers that `notify` of the configuration has, and the webhooks of type
 * event of a plan, of its own rollout. Each has a queue (control/mailbox). Nothing waits for any of them.
 *
 * Thread: control.
 */
#ifndef CONTROL_NOTIFIER_H
#define CONTROL_NOTIFIER_H

#include "base/bug.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct courier;
struct notifier;

/* What has become of the notices for one of them since the start. A plan's webhook is named ROUTE/WEBHOOK,
 * and is known from its first notice until its plan and its queue are over. Text borrowed until the next
 * call. */
struct notifier_stats {
    const char *name;
    uint64_t sent, retried, dropped;
    size_t waiting;
    const char *problem; /* of the last attempt; empty: it was taken */
};

/* Both arguments outlive it. */
struct notifier *notifier_new(struct board *board, struct courier *courier);
/* A decision was recorded. */
void notifier_tell(struct notifier *notifier, const json_t *record);
/* Takes another configuration, and sends what is due; each second. Queues of receivers that stay are kept,
 * and those of plans that have ended until they are empty. */
void notifier_look(struct notifier *notifier);
/* What still waits is dropped, and said in the log. NULL is allowed. */
void notifier_free(struct notifier *notifier);

/* All of them: first those of the configuration. */
size_t notifier_len(const struct notifier *notifier);
struct notifier_stats notifier_stats(const struct notifier *notifier, size_t i);

#endif
