/*
 * Tells others of decisions, as `notify` of the configuration asks for it: each receiver has a queue of its
 * own, of which one notice at a time is under way, in order. What is not taken is tried again with growing
 * pauses until it is too old; what a full queue has no room for, or a status refuses for good, is dropped and
 * counted. Nothing waits for a receiver.
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

enum { NOTIFIER_QUEUE_MAX = 256, NOTIFIER_WHY_MAX = 200 };

/* What has become of a receiver's notices since the start. Text borrowed. */
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
/* Takes another configuration, and sends what is due; each second. Queues of receivers that stay are kept. */
void notifier_look(struct notifier *notifier);
/* What still waits is dropped, and said in the log. NULL is allowed. */
void notifier_free(struct notifier *notifier);

/* Receivers. */
size_t notifier_len(const struct notifier *notifier);
struct notifier_stats notifier_stats(const struct notifier *notifier, size_t i);

#endif
