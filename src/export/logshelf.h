/*
 * The finished files of a sink, oldest first, and the cap over all that it has on the disk. A file that comes
 * onto the shelf is packed with gzip a little at a time and moved to its name; files go when room is needed,
 * those first that somebody has shipped.
 *
 *   add ──> (packing) ──> kept ──> shipped ──> removed
 *                           └── no room ─────> removed, its lines lost
 *
 * What cannot be packed goes to its name unpacked; what somebody has shipped or removed before is not packed.
 *
 * A file counts as shipped when there is a file of its name with `.shipped` behind it, which whoever ships
 * makes; or it is removed by them. Without `await_shipper` nobody is expected to ship: the oldest go first,
 * and nothing of it is a loss.
 *
 * Sizes are what files take on the disk, in whole blocks of 4 KiB, also those of the pack that is being made:
 * the sum is never above the cap. Thread: that of its place.
 */
#ifndef EXPORT_LOGSHELF_H
#define EXPORT_LOGSHELF_H

#include "base/bug.h"
#include "export/logplace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logshelf;

/* Of a file that was there before us: they are counted when they are lost. */
#define LOGSHELF_LINES_UNKNOWN UINT64_MAX

struct logshelf_rules {
    uint64_t cap;       /* bytes of all files; 0: any */
    bool pack;          /* with gzip */
    bool await_shipper; /* files that nobody has shipped are kept while there is room */
};

/* `place` is borrowed: its counters and its log. */
struct logshelf *logshelf_new(struct logplace *place, const struct logshelf_rules *rules);
/* Files stay where they are. NULL is allowed. */
void logshelf_free(struct logshelf *shelf);

/* A file that was there when we started. `changed_ns` orders them (wall clock). */
void logshelf_found(struct logshelf *shelf, const char *path, uint64_t size, int64_t changed_ns);
/* When all have been found. */
void logshelf_sort(struct logshelf *shelf);
/* Puts a finished file onto the shelf: `path` is where it is, `name` what it is to be called, without .gz. */
void logshelf_add(struct logshelf *shelf, const char *path, const char *name, uint64_t size, uint64_t lines);
/* Makes room for files of `live` bytes that are not on the shelf and may grow by `more`. False: there is
 * none, whatever is removed. */
MUST_CHECK bool logshelf_room(struct logshelf *shelf, uint64_t live, uint64_t more);
/* Removes the oldest file that may go; false when there is none. For a disk that is full. */
MUST_CHECK bool logshelf_drop(struct logshelf *shelf);
/* Packs a little. True when there is more to do. `live` as above. */
bool logshelf_work(struct logshelf *shelf, uint64_t live);
/* Looks whether the alarm has to be raised or can be taken back: files that nobody ships fill the cap, or the
 * disk has not the room that the cap promises. `folder` is on that disk. */
void logshelf_look(struct logshelf *shelf, const char *folder, uint64_t live);

/* What a file of so many bytes takes. */
static inline uint64_t logshelf_disk(uint64_t size)
{
    return (size + 4095) / 4096 * 4096;
}
/* Makes the folders above a path. False with errno. */
MUST_CHECK bool logshelf_make_folders(const char *path);

#endif
