/*
 * What a rollout leaves when it is over: a page in the folder `reports` of the state directory (report/html),
 * made of the history of its time and of its decisions. It can be kept, sent and looked at without penstock.
 * A rollout that is tried again and ends again replaces its page. The newest AFTERMATH_PAGES_MAX pages are
 * kept.
 *
 * Thread: control; writing a page takes some ten milliseconds, once a rollout, so a tick writes one at most.
 */
#ifndef CONTROL_AFTERMATH_H
#define CONTROL_AFTERMATH_H

#include "base/str.h"

#include <stdbool.h>

struct board;
struct live;

enum { AFTERMATH_PAGES_MAX = 100 };

/* Leaves the page of a rollout that is over and has none; the others' come with the next ticks. What cannot
 * be written is said, and not tried again. */
void aftermath_tick(struct board *board);
/* The same for one route, whose rollout makes room for another one. True when it took the time of a page. */
bool aftermath_leave(struct board *board, struct live *live);
/* All that are left to be written: the process ends. */
void aftermath_end(struct board *board);
/* Whether a file has a name as pages have: "web-20261121T060000123Z.html". */
bool aftermath_is_page(struct str name);
/* Where they are; the caller frees it. NULL: penstock keeps no state. */
char *aftermath_folder(const struct board *board);

#endif
