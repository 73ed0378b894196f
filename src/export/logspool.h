/*
 * Messages that could not be sent, on the disk, one file each, under a cap: what is above it costs the oldest
 * ones.
 *
 *   FOLDER/20261126T030405.123Z-<id>-<lines>.chunk
 *
 * A file is written under another name and renamed when it is whole and on the disk, so that neither a crash
 * nor a power cut leaves half of one.
 * Thread: that of its place.
 */
#ifndef EXPORT_LOGSPOOL_H
#define EXPORT_LOGSPOOL_H

#include "base/bug.h"
#include "base/str.h"
#include "export/logplace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logspool;

/* Makes the folder and finds what a process before us has left. NULL with errno. `place` is borrowed, for its
 * counters and its name. */
MUST_CHECK struct logspool *logspool_new(struct logplace *place, const char *folder, uint64_t cap);
/* The files stay. NULL is allowed. */
void logspool_free(struct logspool *spool);
/* Keeps a message. False when the disk does not take it, or there is no room but that of messages which have
 * been taken. */
MUST_CHECK bool logspool_put(struct logspool *spool, struct str id, struct str message, uint32_t lines);
/* The oldest message that has not been taken yet: owned by the caller, with its id. It stays on the disk
 * until logspool_remove. What is damaged is removed, its lines counted as lost. NULL: there is none, or it
 * cannot be read now, and stays. */
char *logspool_take(struct logspool *spool, char *id_r, size_t id_len, size_t *len_r, uint32_t *lines_r);
void logspool_remove(struct logspool *spool, struct str id);
/* Whether there is one to take. */
bool logspool_has(const struct logspool *spool);
uint64_t logspool_disk(const struct logspool *spool);

#endif
