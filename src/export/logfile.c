#include "export/logfile.h"

#include "base/clk.h"
#include "base/mem.h"
#include "export/logplace.h"
#include "export/logshelf.h"
#include "export/logwriter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640, IDLE_MS = 1000, LOOK_S = 10, STAMP_LEN = 20 }; /* "20261126T030405.123Z" */

struct logfile {
    struct logplace place;
    char *path;
    char *folder; /* of it */
    char *stem;   /* its name without what stands behind the last dot */
    char *ending; /* that, with the dot */
    uint64_t max_size;
    int64_t max_age_ns;
    struct logshelf_rules rules;
    struct logshelf *shelf;
    struct logwriter writer;
    bool regular;
    uint64_t size;
    uint64_t lines;    /* in it; LOGSHELF_LINES_UNKNOWN when it was not empty as we came */
    int64_t begun_ns;  /* monotonic */
    int64_t looked_ns; /* likewise */
    int64_t last_ns;   /* wall clock: what the name of the last finished file says */
};

/* ---- the file that is written to ---- */

/* A named pipe that nobody reads does not hold up who opens it: it fails with ENXIO. */
static int open_path(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE), flags;

    if (fd < 0)
        return -1;
    flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return fd;
}

static bool open_file(struct logfile *file)
{
    int fd = open_path(file->path);
    struct stat stat;

    if (fd < 0)
        return false;
    file->regular = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
    file->size = file->regular ? (uint64_t)stat.st_size : 0;
    file->lines = file->size ? LOGSHELF_LINES_UNKNOWN : 0;
    file->begun_ns = clk_mono_ns();
    logwriter_set(&file->writer, fd);
    return true;
}

/* Others may have cut it (copytruncate of logrotate). */
static void refresh(struct logfile *file)
{
    struct stat stat;

    if (file->regular && file->writer.fd >= 0 && fstat(file->writer.fd, &stat) == 0)
        file->size = (uint64_t)stat.st_size;
}

/* The name of a finished file: by the time of its end, each later than the one before, also when the clock is
 * put back. Owned by the caller. */
static char *finished_name(struct logfile *file)
{
    char text[CLK_TEXT_LEN], *name = NULL;
    int64_t now_ns = clk_wall_ns(), next_ns = file->last_ns + NS_PER_MS;

    for (int64_t wall_ns = now_ns > next_ns ? now_ns : next_ns;; wall_ns += NS_PER_MS) {
        char stamp[STAMP_LEN + 1];

        clk_text(wall_ns, text); /* 2026-11-26T03:04:05.123Z */
        snprintf(stamp, sizeof stamp, "%.4s%.2s%.5s%.2s%.6s", text, text + 5, text + 8, text + 14, text + 17);
        stamp[STAMP_LEN - 1] = 'Z';
        stamp[STAMP_LEN] = '\0';
        free(name);
        name = mem_printf("%s/%s-%s%s", file->folder, file->stem, stamp, file->ending);
        if (access(name, F_OK) != 0) {
            file->last_ns = wall_ns;
            return name;
        }
    }
}

/* Gives it its name and begins another. False with errno: all is as it was. */
static bool begin_next(struct logfile *file, const char *name)
{
    int error;

    if (rename(file->path, name) != 0)
        return false;
    if (open_file(file))
        return true;
    error = errno;
    if (rename(name, file->path) != 0)
        error = errno;
    errno = error;
    return false;
}

/* Finishes the file and begins another. Without success all goes on as it was. */
static void turn(struct logfile *file)
{
    uint64_t size = file->size, lines = file->lines;
    char *name;

    if (file->writer.carry_len > 0)
        return;
    name = finished_name(file);
    if (begin_next(file, name)) {
        logshelf_add(file->shelf, name, name, size, lines);
        file->looked_ns = 0;
    } else {
        logplace_failed(&file->place, strerror(errno));
    }
    free(name);
}

static bool is_old(const struct logfile *file)
{
    return file->max_age_ns > 0 && file->size > 0 && clk_mono_ns() - file->begun_ns >= file->max_age_ns;
}

/* Sees to it that so many bytes more may be written. */
static bool make_room(struct logfile *file, size_t len)
{
    uint64_t more = len + file->writer.carry_len;

    if (!file->regular)
        return true;
    refresh(file);
    if (is_old(file) || (file->size > 0 && file->size + len > file->max_size))
        turn(file);
    if (logshelf_room(file->shelf, file->size, more))
        return true;
    if (file->size > 0)
        turn(file); /* so that it can be removed */
    return logshelf_room(file->shelf, file->size, more);
}

static bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

/* Gives how much of it is written; on a disk that is full, older files make room. */
static size_t write_out(struct logfile *file, struct str bytes)
{
    uint64_t written = 0;
    size_t done = 0;

    for (;;) {
        done += logwriter_write(&file->writer, (struct str){bytes.p + done, bytes.len - done}, &written);
        if (done == bytes.len || !is_full(file->writer.error) || !logshelf_drop(file->shelf))
            break;
    }
    file->size += written;
    logplace_count(&file->place.counters.bytes, written);
    return done;
}

static void file_take(struct logplace *place, struct str bytes, uint32_t lines)
{
    struct logfile *file = (struct logfile *)place;
    size_t done;
    uint32_t whole;

    if (!make_room(file, bytes.len)) {
        logplace_count(&place->counters.lost, lines);
        logplace_failed(place, "there is no room within maxTotalSize");
        return;
    }
    done = write_out(file, bytes);
    whole = done == bytes.len ? lines : logwriter_lines((struct str){bytes.p, done});
    if (file->lines != LOGSHELF_LINES_UNKNOWN)
        file->lines += whole;
    logplace_count(&place->counters.lines, whole);
    logplace_count(&place->counters.lost, lines - whole);
    if (done == bytes.len)
        logplace_works(place);
    else
        logplace_failed(place, logwriter_why(&file->writer));
}

static void look(struct logfile *file, int64_t now_ns)
{
    file->looked_ns = now_ns;
    logshelf_look(file->shelf, file->folder, file->size);
}

static unsigned file_work(struct logplace *place)
{
    struct logfile *file = (struct logfile *)place;
    int64_t now_ns = clk_mono_ns();

    if (!file->regular)
        return IDLE_MS;
    if (is_old(file))
        turn(file);
    if (now_ns - file->looked_ns >= LOOK_S * NS_PER_S)
        look(file, now_ns);
    return logshelf_work(file->shelf, file->size) ? 0 : IDLE_MS;
}

static void file_reopen(struct logplace *place)
{
    struct logfile *file = (struct logfile *)place;
    uint64_t written = 0;

    logwriter_write(&file->writer, STR_NULL, &written);
    logwriter_drop(&file->writer);
    if (open_file(file))
        logplace_works(place);
    else
        logplace_failed(place, strerror(errno));
}

static void file_finish(struct logplace *place, int64_t deadline_ns)
{
    struct logfile *file = (struct logfile *)place;
    uint64_t written = 0;

    (void)deadline_ns;
    logwriter_write(&file->writer, STR_NULL, &written);
    logplace_count(&place->counters.bytes, written);
}

/* ---- those that are there already ---- */

/* Whether it is one of our finished files, or such a one packed. */
static bool is_finished(const struct logfile *file, struct str name)
{
    struct str stem = str_from(file->stem), ending = str_from(file->ending);
    size_t least = stem.len + 1 + STAMP_LEN + ending.len;

    if (str_ends_with(name, STR(".gz")) && name.len == least + 3)
        name.len -= 3;
    return name.len == least && str_starts_with(name, stem) && name.p[stem.len] == '-' &&
           name.p[stem.len + STAMP_LEN] == 'Z' && name.p[stem.len + 9] == 'T' && str_ends_with(name, ending);
}

static void find_finished(struct logfile *file)
{
    DIR *dir = opendir(file->folder);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL) {
        struct str name = str_from(entry->d_name);
        bool part = str_ends_with(name, STR(".part"));
        char *path;
        struct stat stat;

        if (part)
            name.len -= strlen(".part");
        if (!is_finished(file, name))
            continue;
        path = mem_printf("%s/%s", file->folder, entry->d_name);
        if (part) /* a pack that was not finished */
            unlink(path);
        else if (lstat(path, &stat) == 0 && S_ISREG(stat.st_mode))
            logshelf_found(file->shelf, path, (uint64_t)stat.st_size,
                           stat.st_mtim.tv_sec * NS_PER_S + stat.st_mtim.tv_nsec);
        free(path);
    }
    if (dir)
        closedir(dir);
    logshelf_sort(file->shelf);
}

static bool file_open(struct logplace *place, char *why, size_t why_len)
{
    struct logfile *file = (struct logfile *)place;

    if (!open_file(file)) {
        snprintf(why, why_len, "%s: %s", file->path, strerror(errno));
        return false;
    }
    file->shelf = logshelf_new(place, &file->rules);
    if (file->regular)
        find_finished(file);
    return true;
}

static void file_free(struct logplace *place)
{
    struct logfile *file = (struct logfile *)place;

    logwriter_fini(&file->writer);
    logshelf_free(file->shelf);
    free(file->path);
    free(file->folder);
    free(file->stem);
    free(file->ending);
    free(file);
}

static const struct logplace_kind kind = {.open = file_open,
                                          .take = file_take,
                                          .work = file_work,
                                          .reopen = file_reopen,
                                          .finish = file_finish,
                                          .free = file_free};

/* "logs/access.jsonl": folder, stem and ending. */
static void name_parts(struct logfile *file)
{
    const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
    const char *dot = strrchr(name, '.');

    if (!dot || dot == name)
        dot = name + strlen(name);
    file->folder = slash == file->path ? mem_strdup("/")
                   : slash             ? mem_strndup(file->path, (size_t)(slash - file->path))
                                       : mem_strdup(".");
    file->stem = mem_strndup(name, (size_t)(dot - name));
    file->ending = mem_strdup(dot);
}

struct logplace *logfile_new(const struct config_log *conf)
{
    struct logfile *file = mem_zalloc(sizeof *file);

    file->place.kind = &kind;
    file->place.name = mem_printf("file:%s", conf->path);
    file->path = mem_strdup(conf->path);
    file->max_size = conf->max_size;
    file->max_age_ns = conf->max_age_ns;
    file->rules = (struct logshelf_rules){
        .cap = conf->max_total, .pack = conf->pack, .await_shipper = conf->await_shipper};
    name_parts(file);
    logwriter_init(&file->writer);
    return &file->place;
}
