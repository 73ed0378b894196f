#include "export/logshelf.h"

#include "base/log.h"
#include "base/mem.h"
#include "export/logpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SHELF_FILES = 65536, ALARM_PERCENT = 80, FOLDER_MODE = 0750 };

struct entry {
    char *path; /* where it is */
    char *name; /* where it goes when it is packed, or moved; NULL: it is there */
    uint64_t size;
    uint64_t lines;
    int64_t changed_ns;
    bool later; /* it could not be moved: it is tried again after the next look */
    bool said;  /* in the log, that it is not packed or moved */
};

struct logshelf {
    struct logplace *place;
    struct logshelf_rules rules;
    struct entry *entries; /* oldest first */
    size_t len, room;
    uint64_t disk;        /* what they take */
    struct logpack *pack; /* of an entry, which is `packing`; NULL: none is being packed */
    size_t packing;
    bool alarmed;
};

struct logshelf *logshelf_new(struct logplace *place, const struct logshelf_rules *rules)
{
    struct logshelf *shelf = mem_zalloc(sizeof *shelf);

    shelf->place = place;
    shelf->rules = *rules;
    return shelf;
}

void logshelf_free(struct logshelf *shelf)
{
    if (!shelf)
        return;
    logpack_free(shelf->pack);
    for (size_t i = 0; i < shelf->len; i++) {
        free(shelf->entries[i].path);
        free(shelf->entries[i].name);
    }
    free(shelf->entries);
    free(shelf);
}

static uint64_t pack_disk(const struct logshelf *shelf)
{
    return shelf->pack ? logshelf_disk(logpack_size(shelf->pack)) : 0;
}

/* ---- what is on it ---- */

static struct entry *entry_add(struct logshelf *shelf)
{
    if (shelf->len == shelf->room) {
        shelf->room = shelf->room ? 2 * shelf->room : 16;
        shelf->entries = mem_resize(shelf->entries, shelf->room, sizeof *shelf->entries);
    }
    shelf->entries[shelf->len] = (struct entry){0};
    return &shelf->entries[shelf->len++];
}

static void entry_forget(struct logshelf *shelf, size_t i)
{
    struct entry *entry = &shelf->entries[i];

    shelf->disk -= logshelf_disk(entry->size);
    free(entry->path);
    free(entry->name);
    shelf->len--;
    memmove(entry, entry + 1, (shelf->len - i) * sizeof *entry);
    if (shelf->pack && shelf->packing > i)
        shelf->packing--;
}

void logshelf_found(struct logshelf *shelf, const char *path, uint64_t size, int64_t changed_ns)
{
    struct entry *entry = entry_add(shelf);

    entry->path = mem_strdup(path);
    entry->name =
        shelf->rules.pack && !str_ends_with(str_from(path), STR(".gz")) ? mem_printf("%s.gz", path) : NULL;
    entry->size = size;
    entry->lines = LOGSHELF_LINES_UNKNOWN;
    entry->changed_ns = changed_ns;
    shelf->disk += logshelf_disk(size);
}

static int older_first(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->changed_ns != y->changed_ns)
        return x->changed_ns < y->changed_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

void logshelf_sort(struct logshelf *shelf)
{
    if (shelf->len)
        qsort(shelf->entries, shelf->len, sizeof *shelf->entries, older_first);
}

void logshelf_add(struct logshelf *shelf, const char *path, const char *name, uint64_t size, uint64_t lines)
{
    struct entry *entry = entry_add(shelf);

    entry->path = mem_strdup(path);
    entry->name = mem_printf("%s%s", name, shelf->rules.pack ? ".gz" : "");
    entry->size = size;
    entry->lines = lines;
    shelf->disk += logshelf_disk(size);
}

/* ---- what goes ---- */

static char *marker_of(const struct entry *entry)
{
    return mem_printf("%s.shipped", entry->path);
}

static bool is_shipped(const struct entry *entry)
{
    char *marker = marker_of(entry);
    bool shipped = access(marker, F_OK) == 0;

    free(marker);
    return shipped;
}

/* Somebody else has removed it: it has been shipped, or was not wanted. */
static bool is_gone(const struct entry *entry)
{
    return access(entry->path, F_OK) != 0 && errno == ENOENT;
}

/* Counts files that others have removed no longer. */
static void sweep(struct logshelf *shelf)
{
    for (size_t i = shelf->len; i-- > 0;)
        if (!(shelf->pack && shelf->packing == i) && is_gone(&shelf->entries[i]))
            entry_forget(shelf, i);
}

static void stop_packing(struct logshelf *shelf)
{
    logpack_free(shelf->pack);
    shelf->pack = NULL;
}

/* False when it cannot be removed: it goes on counting. */
static bool entry_remove(struct logshelf *shelf, size_t i, bool lost)
{
    struct entry *entry = &shelf->entries[i];
    struct logplace_counters *counters = &shelf->place->counters;
    uint64_t lines = entry->lines;
    char *marker = marker_of(entry);

    if (shelf->pack && shelf->packing == i)
        stop_packing(shelf);
    if (lost && lines == LOGSHELF_LINES_UNKNOWN)
        lines = logpack_lines(entry->path);
    unlink(marker);
    free(marker);
    if (unlink(entry->path) != 0 && errno != ENOENT) {
        logplace_failed(shelf->place, strerror(errno));
        return false;
    }
    logplace_count(&counters->removed_files, 1);
    if (lost) {
        logplace_count(&counters->removed_lines, lines);
        log_error("access log: %s: %s was removed with %llu lines that nobody has shipped",
                  shelf->place->name, entry->path, (unsigned long long)lines);
    }
    entry_forget(shelf, i);
    return true;
}

/* Removes the next that may go; those before `*looked` were not shipped a moment ago. */
static bool drop_next(struct logshelf *shelf, size_t *looked)
{
    for (; shelf->rules.await_shipper && *looked < shelf->len; ++*looked)
        if (is_shipped(&shelf->entries[*looked]))
            return entry_remove(shelf, *looked, false);
    return shelf->len > 0 && entry_remove(shelf, 0, shelf->rules.await_shipper);
}

bool logshelf_drop(struct logshelf *shelf)
{
    size_t looked = 0;

    sweep(shelf);
    return drop_next(shelf, &looked);
}

static bool fits(const struct logshelf *shelf, uint64_t live, uint64_t more)
{
    /* A block more, for the file that is begun next. */
    return shelf->disk + pack_disk(shelf) + logshelf_disk(live + more) + 4096 <= shelf->rules.cap;
}

static bool has_room(const struct logshelf *shelf, uint64_t live, uint64_t more)
{
    return fits(shelf, live, more) && shelf->len < SHELF_FILES;
}

bool logshelf_room(struct logshelf *shelf, uint64_t live, uint64_t more)
{
    size_t looked = 0;

    if (shelf->rules.cap == 0 || has_room(shelf, live, more))
        return true;
    sweep(shelf);
    while (!has_room(shelf, live, more))
        if (!drop_next(shelf, &looked))
            return false;
    return true;
}

/* ---- what is packed ---- */

bool logshelf_make_folders(const char *path)
{
    char *folder = mem_strdup(path);
    bool made = true;

    for (char *slash = folder + 1; made && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        made = mkdir(folder, FOLDER_MODE) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(folder);
    return made;
}

/* The name that it has unpacked. Owned by the caller. */
static char *plain_name(const struct entry *entry)
{
    struct str name = str_from(entry->name);

    return mem_strndup(name.p, name.len - (str_ends_with(name, STR(".gz")) ? strlen(".gz") : 0));
}

/* It goes to its name unpacked, if it is not there yet. `why` it is not packed; NULL: it need not be. */
static void settle(struct logshelf *shelf, size_t i, const char *why)
{
    struct entry *entry = &shelf->entries[i];
    char *name = plain_name(entry);

    entry->later =
        strcmp(entry->path, name) != 0 && (!logshelf_make_folders(name) || rename(entry->path, name) != 0);
    if (entry->later)
        why = strerror(errno);
    if (why && !entry->said)
        log_warn("access log: %s: %s stays %s: %s", shelf->place->name, entry->path,
                 entry->later ? "where it is for now" : "unpacked", why);
    entry->said |= why != NULL;
    if (entry->later) {
        free(name);
        return;
    }
    free(entry->path);
    free(entry->name);
    entry->path = name;
    entry->name = NULL;
}

static void give_up_packing(struct logshelf *shelf, const char *why)
{
    stop_packing(shelf);
    settle(shelf, shelf->packing, why);
}

/* The pack is whole: it takes the place of the file, unless somebody has taken that meanwhile: there would be
 * two of them. */
static void packed(struct logshelf *shelf)
{
    struct entry *entry = &shelf->entries[shelf->packing];
    uint64_t size = logpack_size(shelf->pack);

    if (is_gone(entry)) {
        stop_packing(shelf);
        entry_forget(shelf, shelf->packing);
        return;
    }
    if (is_shipped(entry)) {
        give_up_packing(shelf, NULL);
        return;
    }
    if (!logshelf_make_folders(entry->name) || !logpack_finish(shelf->pack, entry->name)) {
        give_up_packing(shelf, strerror(errno));
        return;
    }
    stop_packing(shelf);
    unlink(entry->path);
    shelf->disk -= logshelf_disk(entry->size);
    shelf->disk += logshelf_disk(size);
    entry->size = size;
    free(entry->path);
    entry->path = entry->name;
    entry->name = NULL;
}

/* Begins with the oldest that has not got its name. False when there is none. */
static bool begin_packing(struct logshelf *shelf)
{
    size_t i = 0;

    while (i < shelf->len && (!shelf->entries[i].name || shelf->entries[i].later))
        i++;
    if (i == shelf->len)
        return false;
    if (is_gone(&shelf->entries[i])) {
        entry_forget(shelf, i);
        return true;
    }
    if (!shelf->rules.pack || is_shipped(&shelf->entries[i])) {
        settle(shelf, i, NULL);
        return true;
    }
    shelf->packing = i;
    shelf->pack = logpack_new(shelf->entries[i].path);
    if (!shelf->pack)
        settle(shelf, i, strerror(errno));
    return true;
}

bool logshelf_work(struct logshelf *shelf, uint64_t live)
{
    const struct logpack *pack;
    enum logpack_step step;
    size_t looked = 0;

    if (!shelf->pack)
        return begin_packing(shelf);
    pack = shelf->pack;
    if (shelf->rules.cap && !fits(shelf, live, LOGPACK_STEP))
        sweep(shelf);
    /* To make room for the pack by removing older files is right; to remove what is packed is not. */
    while (shelf->rules.cap && !fits(shelf, live, LOGPACK_STEP)) {
        if (shelf->packing == 0 || !drop_next(shelf, &looked)) {
            give_up_packing(shelf, "there is no room to pack it");
            return true;
        }
        if (shelf->pack != pack)
            return true;
    }
    step = logpack_work(shelf->pack);
    switch (step) {
    case LOGPACK_MORE:
        break;
    case LOGPACK_DONE:
        packed(shelf);
        break;
    case LOGPACK_FAILED:
        give_up_packing(shelf, strerror(errno));
        break;
    }
    return true;
}

/* ---- the alarm ---- */

static uint64_t unshipped(const struct logshelf *shelf)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < shelf->len; i++)
        if (!is_shipped(&shelf->entries[i]))
            bytes += logshelf_disk(shelf->entries[i].size);
    return bytes;
}

/* What will be lost soon, in words; NULL: nothing. */
static char *danger(const struct logshelf *shelf, const char *folder, uint64_t held, uint64_t waits)
{
    struct statvfs disk;
    uint64_t left;

    if (shelf->rules.await_shipper && waits > shelf->rules.cap / 100 * ALARM_PERCENT)
        return mem_printf("%llu MiB of files wait to be shipped; beyond maxTotalSize the oldest are removed",
                          (unsigned long long)(waits >> 20));
    if (statvfs(folder, &disk) != 0)
        return NULL;
    left = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (shelf->rules.cap > held && left < shelf->rules.cap - held)
        return mem_printf("its disk has %llu MiB left, and it may still grow by %llu MiB",
                          (unsigned long long)(left >> 20),
                          (unsigned long long)((shelf->rules.cap - held) >> 20));
    return NULL;
}

void logshelf_look(struct logshelf *shelf, const char *folder, uint64_t live)
{
    struct logplace_counters *counters = &shelf->place->counters;
    uint64_t held, waits;
    char *why;

    sweep(shelf);
    for (size_t i = 0; i < shelf->len; i++)
        shelf->entries[i].later = false;
    held = shelf->disk + pack_disk(shelf) + logshelf_disk(live);
    waits = shelf->rules.await_shipper ? unshipped(shelf) : 0;
    why = danger(shelf, folder, held, waits);
    logplace_set(&counters->held_bytes, held);
    logplace_set(&counters->unshipped_bytes, waits);
    logplace_set(&counters->alarm, why != NULL);
    if (why && !shelf->alarmed)
        log_warn("access log: %s: %s", shelf->place->name, why);
    else if (!why && shelf->alarmed)
        log_info("access log: %s: there is room again", shelf->place->name);
    shelf->alarmed = why != NULL;
    free(why);
}
