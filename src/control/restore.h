/*
 * The beginning: what the store knows of weights and rollouts is taken up again, so that after a crash a
 * rollout goes on at its step with its evidence. Whatever cannot be taken up leaves its route at the last
 * known weight, held and said loudly: in the log, in live.problem (status), never by a jump.
 *
 * Thread: control.
 */
#ifndef CONTROL_RESTORE_H
#define CONTROL_RESTORE_H

struct board;

/* Call once, before the crew starts. */
void restore(struct board *board);

#endif
