/*
 * A file packed with gzip, a little at a time, so that its thread has time for lines in between. The pack is
 * written beside the file, as FILE.part, and gets its name when it is whole. Thread: that of its owner.
 */
#ifndef EXPORT_LOGPACK_H
#define EXPORT_LOGPACK_H

#include "base/bug.h"

#include <stdbool.h>
#include <stdint.h>

/* What a step reads, and the most by which the pack grows with it: zlib holds some of it back. */
enum { LOGPACK_READ = 128 * 1024, LOGPACK_STEP = LOGPACK_READ + 128 * 1024 };

struct logpack;

enum logpack_step {
    LOGPACK_MORE,
    LOGPACK_DONE,
    LOGPACK_FAILED, /* see errno */
};

/* NULL with errno. */
MUST_CHECK struct logpack *logpack_new(const char *path);
MUST_CHECK enum logpack_step logpack_work(struct logpack *pack);
/* The bytes of the pack so far. */
uint64_t logpack_size(const struct logpack *pack);
/* Gives a pack that is done its name. False with errno. */
MUST_CHECK bool logpack_finish(struct logpack *pack, const char *name);
/* Removes what is not finished. NULL is allowed. */
void logpack_free(struct logpack *pack);
/* The lines of a file, packed or not; those before the first damage. */
uint64_t logpack_lines(const char *path);

#endif
