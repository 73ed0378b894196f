/*
 * Asks the webhooks of the plans that are followed: those that confirm, when a step waits for them, and those
 * that may order a rollback, while the canary has requests. The answers go into the runs, and are a gate's
 * answer at the next look. A yes is a status of 2xx; whatever else comes, or does not, holds.
 *
 * Source of the shape: Flagger's webhooks (docs/gitbook/usage/webhooks.md). Thread: control.
 */
#ifndef CONTROL_ASKER_H
#define CONTROL_ASKER_H

struct board;
struct courier;
struct asker;

/* Both arguments outlive it. */
struct asker *asker_new(struct board *board, struct courier *courier);
/* Asks what is due; each second. */
void asker_look(struct asker *asker);
/* NULL is allowed. */
void asker_free(struct asker *asker);

#endif
