/*
 * The queue of one receiver of notices: one is under way at a time, in order. What is not taken is tried
 * again with growing pauses until it is too old or was tried often enough; what a full queue has no room for,
 * or a status refuses for good, is dropped, counted and said in the log. Nothing waits for a receiver.
 *
 * Thread: control.
 */
#ifndef CONTROL_MAILBOX_H
#define CONTROL_MAILBOX_H

#include "base/bug.h"
#include "conf/config.h"
#include "control/notice.h"

#include <stddef.h>
#include <stdint.h>

struct board;
struct courier;
struct letter;
struct rnd;

enum { MAILBOX_LETTERS_MAX = 256, MAILBOX_WHY_MAX = 200 };

struct mailbox {
    /* The owner's, all outlive it. */
    struct board *board;
    struct courier *courier;
    struct rnd *rnd;
    const struct config_notice *conf; /* the owner may put another in its place */
    uint32_t retries_max;             /* of a notice; UINT32_MAX: until it is too old */
    size_t busy_max; /* so many requests of the courier may be under way when one more begins */
    /* Its own. */
    struct letter *first, *last;
    size_t len;
    uint64_t call;  /* the first letter is under way; 0: it is not */
    int64_t due_ns; /* monotonic: the next attempt */
    unsigned tries; /* of the first letter, so far */
    uint64_t sent, retried, dropped;
    char problem[MAILBOX_WHY_MAX]; /* of the last attempt; empty: it was taken */
};

/* Makes a notice of the record and queues it. `service`: what the whole calls itself. */
void mailbox_tell(struct mailbox *box, const char *service, const json_t *record);
/* Queues a notice, whose content it takes over. */
void mailbox_put(struct mailbox *box, const struct notice *notice);
/* Sends what is due. */
void mailbox_send(struct mailbox *box);
/* Drops what still waits, which the log says; what is under way may arrive without anybody to hear of it. */
void mailbox_fini(struct mailbox *box);

#endif
