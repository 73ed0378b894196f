/*
 * What a rollout leaves when it is over: a page in the folder `reports` of the state directory (report/html),
 * made of the history of its time and of its decisions. It can be kept, sent and looked at without penstock.
 * A rollout that is tried again and ends again replaces its page. The newest AFTERMATH_PAGES_MAX pages are
 * kept.
 *
 * Thread: control; writing a page takes some ten milliseconds, once a rollout.
 */
#ifndef CONTROL_AFTERMATH_H
#define CONTROL_AFTERMATH_H

struct board;

enum { AFTERMATH_PAGES_MAX = 100 };

/* Leaves the pages of the rollouts that are over and have none. What cannot be written is said, and not tried
 * again. */
void aftermath_tick(struct board *board);

#endif
