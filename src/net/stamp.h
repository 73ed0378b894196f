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

#endif
