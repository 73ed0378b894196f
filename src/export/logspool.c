#include "export/logspool.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "export/logshelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0600, STAMP_LEN = CLK_TEXT_LEN, MESSAGE_MAX = 64 << 20 };

static const struct str ending = {".chunk", 6};

struct logspool {
    struct logplace *place;
    char *folder;
    uint64_t cap, disk;
    char **names; /* of the files, oldest first */
    uint64_t *sizes;
    size_t len, room;
    size_t taken; /* the first so many have been */
    bool stuck;   /* the next one cannot be read, which has been said */
};

static char *path_of(const struct logspool *spool, const char *name)
{
    return mem_printf("%s/%s", spool->folder, name);
}

/* "<stamp>-<id>-<lines>.chunk" */
static bool parts_of(const char *name, struct str *id_r, uint64_t *lines_r)
{
    struct str text = str_from(name), rest;
    const char *dash;

    if (text.len <= STAMP_LEN + 1 || text.p[STAMP_LEN] != '-' || !str_ends_with(text, ending))
        return false;
    rest = (struct str){text.p + STAMP_LEN + 1, text.len - STAMP_LEN - 1 - ending.len};
    dash = memchr(rest.p, '-', rest.len);
    if (!dash)
        return false;
    *id_r = (struct str){rest.p, (size_t)(dash - rest.p)};
    return str_to_u64((struct str){dash + 1, rest.len - id_r->len - 1}, lines_r);
}

static void add(struct logspool *spool, const char *name, uint64_t size)
{
    if (spool->len == spool->room) {
        spool->room = spool->room ? 2 * spool->room : 64;
        spool->names = mem_resize(spool->names, spool->room, sizeof *spool->names);
        spool->sizes = mem_resize(spool->sizes, spool->room, sizeof *spool->sizes);
    }
    spool->names[spool->len] = mem_strdup(name);
    spool->sizes[spool->len++] = size;
    spool->disk += logshelf_disk(size);
}

static void remove_at(struct logspool *spool, size_t i)
{
    char *path = path_of(spool, spool->names[i]);

    unlink(path);
    free(path);
    spool->disk -= logshelf_disk(spool->sizes[i]);
    free(spool->names[i]);
    spool->len--;
    memmove(&spool->names[i], &spool->names[i + 1], (spool->len - i) * sizeof *spool->names);
    memmove(&spool->sizes[i], &spool->sizes[i + 1], (spool->len - i) * sizeof *spool->sizes);
    if (i < spool->taken)
        spool->taken--;
}

/* Gives it up: it is lost. */
static void lose_at(struct logspool *spool, size_t i)
{
    struct str id;
    uint64_t lines = 0;

    if (parts_of(spool->names[i], &id, &lines))
        logplace_count(&spool->place->counters.lost, lines);
    remove_at(spool, i);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void find(struct logspool *spool)
{
    struct dirent **entries = NULL;
    int n = scandir(spool->folder, &entries, NULL, by_name);

    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char *path = path_of(spool, name);
        struct stat stat;
        struct str id;
        uint64_t lines;

        if (str_ends_with(str_from(name), STR(".chunk.part")))
            unlink(path);
        else if (parts_of(name, &id, &lines) && lstat(path, &stat) == 0 && S_ISREG(stat.st_mode)) {
            add(spool, name, (uint64_t)stat.st_size);
            if (stat.st_size == 0) /* what a power cut has left of it */
                lose_at(spool, spool->len - 1);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
}

struct logspool *logspool_new(struct logplace *place, const char *folder, uint64_t cap)
{
    struct logspool *spool;
    char *inside = mem_printf("%s/", folder);
    bool made = logshelf_make_folders(inside);

    free(inside);
    if (!made)
        return NULL;
    spool = mem_zalloc(sizeof *spool);
    spool->place = place;
    spool->folder = mem_strdup(folder);
    spool->cap = cap;
    find(spool);
    return spool;
}

void logspool_free(struct logspool *spool)
{
    if (!spool)
        return;
    for (size_t i = 0; i < spool->len; i++)
        free(spool->names[i]);
    free(spool->names);
    free(spool->sizes);
    free(spool->folder);
    free(spool);
}

/* Gives up the oldest. Those that have been taken may be on their way, and would be counted twice: false when
 * there are no others. */
static bool drop(struct logspool *spool)
{
    if (!logspool_has(spool))
        return false;
    lose_at(spool, spool->taken);
    return true;
}

/* 0, or errno. */
static int write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.p, bytes.len);

        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0)
            bytes = (struct str){bytes.p + n, bytes.len - (size_t)n};
    }
    return fdatasync(fd) == 0 ? 0 : errno;
}

/* False with errno. */
static bool write_file(const char *path, struct str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE), error;

    if (fd < 0)
        return false;
    error = write_all(fd, bytes);
    close(fd);
    errno = error;
    return error == 0;
}

bool logspool_put(struct logspool *spool, struct str id, struct str message, uint32_t lines)
{
    char stamp[CLK_TEXT_LEN], *name, *path, *part;
    bool kept;

    if (logshelf_disk(message.len) > spool->cap)
        return false;
    while (spool->disk + logshelf_disk(message.len) > spool->cap)
        if (!drop(spool))
            return false;
    clk_text(clk_wall_ns(), stamp);
    name = mem_printf("%.*s-%.*s-%u.chunk", CLK_TEXT_LEN, stamp, STR_ARG(id), lines);
    path = path_of(spool, name);
    part = mem_printf("%s.part", path);
    kept = write_file(part, message);
    while (!kept && errno == ENOSPC && drop(spool))
        kept = write_file(part, message);
    kept = kept && rename(part, path) == 0;
    if (kept)
        add(spool, name, message.len);
    else
        unlink(part);
    free(part);
    free(path);
    free(name);
    return kept;
}

/* 0; EBADMSG when the file is shorter than it was; or errno. */
static int read_all(int fd, char *bytes, uint64_t size)
{
    uint64_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, bytes + done, size - done);

        if (n < 0 && errno != EINTR)
            return errno;
        if (n == 0)
            return EBADMSG;
        done += n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

/* NULL with errno. */
static char *read_file(const char *path, uint64_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), error;
    char *bytes;

    if (fd < 0)
        return NULL;
    bytes = mem_alloc(size + 1);
    error = read_all(fd, bytes, size);
    close(fd);
    if (!error)
        return bytes;
    free(bytes);
    errno = error;
    return NULL;
}

/* Whether a file will never be read again; else it may be, when there are descriptors, rights or a disk. */
static bool is_damage(int error)
{
    return error == EBADMSG || error == ENOENT || error == ELOOP;
}

static void say_stuck(struct logspool *spool, const char *path, const char *why)
{
    if (!spool->stuck)
        log_warn("access log: %s: %s: %s; it and those behind it wait", spool->place->name, path, why);
    spool->stuck = true;
}

/* The first that has not been taken; NULL with errno. */
static char *read_next(struct logspool *spool, struct str *id_r, uint64_t *lines_r, size_t id_len)
{
    char *path, *bytes;
    int error;

    if (spool->sizes[spool->taken] > MESSAGE_MAX || !parts_of(spool->names[spool->taken], id_r, lines_r) ||
        id_r->len >= id_len) {
        errno = EBADMSG; /* none of ours */
        return NULL;
    }
    path = path_of(spool, spool->names[spool->taken]);
    bytes = read_file(path, spool->sizes[spool->taken]);
    error = errno;
    if (!bytes && !is_damage(error))
        say_stuck(spool, path, strerror(error));
    free(path);
    errno = error;
    return bytes;
}

char *logspool_take(struct logspool *spool, char *id_r, size_t id_len, size_t *len_r, uint32_t *lines_r)
{
    struct str id;
    uint64_t lines;
    char *bytes = NULL;

    while (!bytes && logspool_has(spool)) {
        bytes = read_next(spool, &id, &lines, id_len);
        if (!bytes && !is_damage(errno))
            return NULL;
        if (!bytes)
            lose_at(spool, spool->taken);
    }
    if (!bytes)
        return NULL;
    spool->stuck = false;
    memcpy(id_r, id.p, id.len);
    id_r[id.len] = '\0';
    *len_r = spool->sizes[spool->taken++];
    *lines_r = (uint32_t)lines;
    return bytes;
}

void logspool_remove(struct logspool *spool, struct str id)
{
    struct str found;
    uint64_t lines;

    for (size_t i = 0; i < spool->len; i++)
        if (parts_of(spool->names[i], &found, &lines) && str_eq(found, id)) {
            remove_at(spool, i);
            return;
        }
}

bool logspool_has(const struct logspool *spool)
{
    return spool->taken < spool->len;
}

uint64_t logspool_disk(const struct logspool *spool)
{
    return spool->disk;
}
