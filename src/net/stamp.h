/*
 * What files looked like when they were read, to find out that they have changed: by device, inode, size and
 * time of change, so that a file that is replaced, as renewals do, is noticed as well as one that is written
 * to.
 */
#ifndef NET_STAMP_H
#define NET_STAMP_H

#include <stdint.h>

enum { STAMP_NONE = 0 };

/* The stamp of a file, or that a file cannot be looked at, together with what was stamped before (or
 * STAMP_NONE). Thread: any. */
uint64_t stamp_of(const char *path, uint64_t before);

/* Files that are looked at now and then, and read again when they have changed. */
struct stamp_watch {
    uint64_t seen;  /* at the last look */
    uint64_t tried; /* when they were read last, whether they did or not */
};

enum stamp_sight {
    STAMP_SAME,    /* as they were tried */
    STAMP_CHANGED, /* since the last look: what belongs together may be replaced only in part */
    STAMP_SETTLED, /* changed, and as they were at the last look */
};

/* They are read now, looking like this. */
void stamp_watch_tried(struct stamp_watch *watch, uint64_t stamp);
enum stamp_sight stamp_watch_look(struct stamp_watch *watch, uint64_t stamp);

#endif
