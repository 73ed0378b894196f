#include "export/logparts.h"

#include "base/clk.h"
#include "base/mem.h"
#include "export/logplace.h"
#include "export/logread.h"
#include "export/logshelf.h"
#include "export/logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PARTS_MAX = 32, /* open at a time: platforms, and two hours around the turn of one */
    BUFFER_BYTES = 64 * 1024,
    FILE_MODE = 0640,
    IDLE_MS = 1000,
    LOOK_S = 10,
    HOST_MAX = 64,
    KEY_MAX = CONFIG_NAME_MAX + 16, /* "fargate.2026-11-26.03" */
};

/* A file that is being written. */
struct part {
    char key[KEY_MAX]; /* platform, day and hour, with dots between */
    char *path;
    int fd;
    uint64_t size, lines;
    int64_t begun_ns; /* monotonic */
    struct buf buffer;
    uint32_t buffer_lines;
};

struct logparts {
    struct logplace place;
    char *folder;
    char host[HOST_MAX];
    uint64_t max_size;
    int64_t interval_ns;
    struct logshelf_rules rules;
    struct logshelf *shelf;
    struct part parts[PARTS_MAX];
    size_t len;
    uint32_t number; /* of the file made last */
    int64_t looked_ns;
};

/* ---- open files ---- */

static uint64_t live_bytes(const struct logparts *parts)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < parts->len; i++)
        bytes += logshelf_disk(parts->parts[i].size);
    return bytes;
}

static bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

/* Writes the buffer, or takes back what was written of it. */
static bool write_whole(struct logparts *parts, struct part *part)
{
    size_t done = 0;

    while (done < part->buffer.len) {
        ssize_t n = write(part->fd, part->buffer.p + done, part->buffer.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && is_full(errno) && logshelf_drop(parts->shelf))
            continue;
        if (n < 0) {
            logplace_failed(&parts->place, strerror(errno));
            if (ftruncate(part->fd, (off_t)part->size) != 0)
                return false;
            lseek(part->fd, (off_t)part->size, SEEK_SET);
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static void flush(struct logparts *parts, struct part *part)
{
    struct logplace_counters *counters = &parts->place.counters;

    if (part->buffer.len == 0)
        return;
    if (!logshelf_room(parts->shelf, live_bytes(parts), part->buffer.len)) {
        logplace_failed(&parts->place, "there is no room within maxTotalSize");
        logplace_count(&counters->lost, part->buffer_lines);
    } else if (write_whole(parts, part)) {
        part->size += part->buffer.len;
        part->lines += part->buffer_lines;
        logplace_count(&counters->bytes, part->buffer.len);
        logplace_count(&counters->lines, part->buffer_lines);
        logplace_works(&parts->place);
    } else {
        logplace_count(&counters->lost, part->buffer_lines);
    }
    part->buffer.len = 0;
    part->buffer_lines = 0;
}

/* "fargate.2026-11-26.03": where the finished file goes, without its end. Owned by the caller. */
static char *home_of(struct logparts *parts, const char *key)
{
    const char *hour = strrchr(key, '.'), *day = memrchr(key, '.', (size_t)(hour - key));
    char stamp[CLK_TEXT_LEN];

    clk_text(clk_wall_ns(), stamp);
    return mem_printf("%s/platform=%.*s/dt=%.*s/hour=%s/%s-%.2s%.2s%.2s%.3s-%u.jsonl", parts->folder,
                      (int)(day - key), key, (int)(hour - day - 1), day + 1, hour + 1, parts->host,
                      stamp + 11, stamp + 14, stamp + 17, stamp + 20, ++parts->number);
}

/* Closes it; it goes onto the shelf, or away when it is empty. */
static void finish_part(struct logparts *parts, struct part *part)
{
    char *home = home_of(parts, part->key);

    flush(parts, part);
    close(part->fd);
    if (part->size)
        logshelf_add(parts->shelf, part->path, home, part->size, part->lines);
    else
        unlink(part->path);
    free(home);
    free(part->path);
    free(part->buffer.p);
    parts->len--;
    memmove(part, part + 1, (parts->len - (size_t)(part - parts->parts)) * sizeof *part);
    parts->looked_ns = 0;
}

static struct part *open_part(struct logparts *parts, const char *key)
{
    struct part *part;

    if (parts->len == PARTS_MAX)
        finish_part(parts, &parts->parts[0]);
    part = &parts->parts[parts->len];
    *part = (struct part){.begun_ns = clk_mono_ns()};
    memcpy(part->key, key, strlen(key) + 1);
    part->path = mem_printf("%s/.open/%s.%llx-%u", parts->folder, key, (unsigned long long)clk_wall_ns(),
                            ++parts->number);
    part->fd = open(part->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (part->fd < 0) {
        logplace_failed(&parts->place, strerror(errno));
        free(part->path);
        return NULL;
    }
    buf_init(&part->buffer, mem_alloc(BUFFER_BYTES), BUFFER_BYTES);
    parts->len++;
    return part;
}

/* ---- lines ---- */

/* A request that no group served has the platform "none". False: the line has no time. */
static bool key_of(struct str line, char key[static KEY_MAX])
{
    struct logread read;
    struct str platform, time;

    if (!logread_line(line, &read))
        return false;
    platform = logread_text(read.at[LOGFIELD_PLATFORM]);
    time = logread_text(read.at[LOGFIELD_TIMESTAMP]);
    if (platform.len == 0)
        platform = STR("none");
    if (time.len != CLK_TEXT_LEN || platform.len > CONFIG_NAME_MAX)
        return false;
    snprintf(key, KEY_MAX, "%.*s.%.10s.%.2s", STR_ARG(platform), time.p, time.p + 11);
    return true;
}

static struct part *part_for(struct logparts *parts, struct str line)
{
    char key[KEY_MAX];

    if (!key_of(line, key))
        return NULL;
    for (size_t i = 0; i < parts->len; i++)
        if (strcmp(parts->parts[i].key, key) == 0)
            return &parts->parts[i];
    return open_part(parts, key);
}

static void take_line(struct logparts *parts, struct str line)
{
    struct part *part = part_for(parts, line);

    if (!part || line.len > BUFFER_BYTES) {
        logplace_count(&parts->place.counters.lost, 1);
        return;
    }
    if (part->buffer.len + line.len > BUFFER_BYTES)
        flush(parts, part);
    buf_str_add(&part->buffer, line);
    part->buffer_lines++;
}

static void parts_take(struct logplace *place, struct str bytes, uint32_t lines)
{
    struct logparts *parts = (struct logparts *)place;
    const char *p = bytes.p, *end = bytes.p + bytes.len, *lf;

    (void)lines;
    for (; p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1)
        take_line(parts, (struct str){p, (size_t)(lf + 1 - p)});
    for (size_t i = 0; i < parts->len; i++)
        flush(parts, &parts->parts[i]);
}

static unsigned parts_work(struct logplace *place)
{
    struct logparts *parts = (struct logparts *)place;
    int64_t now_ns = clk_mono_ns();

    for (size_t i = parts->len; i-- > 0;) {
        struct part *part = &parts->parts[i];

        if (part->size >= parts->max_size || now_ns - part->begun_ns >= parts->interval_ns)
            finish_part(parts, part);
    }
    if (now_ns - parts->looked_ns >= LOOK_S * NS_PER_S) {
        parts->looked_ns = now_ns;
        logshelf_look(parts->shelf, parts->folder, live_bytes(parts));
    }
    return logshelf_work(parts->shelf, live_bytes(parts)) ? 0 : IDLE_MS;
}

static void parts_finish(struct logplace *place, int64_t deadline_ns)
{
    struct logparts *parts = (struct logparts *)place;

    while (parts->len)
        finish_part(parts, &parts->parts[parts->len - 1]);
    while (clk_mono_ns() < deadline_ns && logshelf_work(parts->shelf, 0))
        ;
}

/* ---- those that are there already ---- */

/* A file of .open, whose end the process before us did not see. */
static void take_over(struct logparts *parts, const FTSENT *entry)
{
    const char *dot = strrchr(entry->fts_name, '.');
    char *key, *home;

    if (str_ends_with(str_from(entry->fts_name), STR(".part"))) {
        unlink(entry->fts_path);
        return;
    }
    if (!dot)
        return;
    key = mem_strndup(entry->fts_name, (size_t)(dot - entry->fts_name));
    if (strchr(key, '.') && strchr(key, '.') != strrchr(key, '.') && entry->fts_statp->st_size > 0) {
        home = home_of(parts, key);
        logshelf_add(parts->shelf, entry->fts_path, home, (uint64_t)entry->fts_statp->st_size,
                     LOGSHELF_LINES_UNKNOWN);
        free(home);
    }
    free(key);
}

static void find_files(struct logparts *parts, bool open)
{
    char *const roots[] = {parts->folder, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;

    while (fts && (entry = fts_read(fts)) != NULL) {
        struct str name = str_from(entry->fts_name);
        const struct timespec *changed = &entry->fts_statp->st_mtim;

        if (entry->fts_info != FTS_F)
            continue;
        if (open && entry->fts_level == 2 && strstr(entry->fts_path, "/.open/"))
            take_over(parts, entry);
        else if (!open && entry->fts_level == 4 &&
                 (str_ends_with(name, STR(".jsonl.gz")) || str_ends_with(name, STR(".jsonl"))))
            logshelf_found(parts->shelf, entry->fts_path, (uint64_t)entry->fts_statp->st_size,
                           changed->tv_sec * NS_PER_S + changed->tv_nsec);
    }
    if (fts)
        fts_close(fts);
}

static bool parts_open(struct logplace *place, char *why, size_t why_len)
{
    struct logparts *parts = (struct logparts *)place;
    char *inside = mem_printf("%s/.open/", parts->folder);
    bool made = logshelf_make_folders(inside) && access(inside, W_OK) == 0;

    free(inside);
    if (!made) {
        snprintf(why, why_len, "%s: %s", parts->folder, strerror(errno));
        return false;
    }
    parts->shelf = logshelf_new(place, &parts->rules);
    find_files(parts, false);
    logshelf_sort(parts->shelf);
    find_files(parts, true);
    return true;
}

static void parts_free(struct logplace *place)
{
    struct logparts *parts = (struct logparts *)place;

    for (size_t i = 0; i < parts->len; i++) {
        close(parts->parts[i].fd);
        free(parts->parts[i].path);
        free(parts->parts[i].buffer.p);
    }
    logshelf_free(parts->shelf);
    free(parts->folder);
    free(parts);
}

static const struct logplace_kind kind = {
    .open = parts_open, .take = parts_take, .work = parts_work, .finish = parts_finish, .free = parts_free};

struct logplace *logparts_new(const struct config_log *conf)
{
    struct logparts *parts = mem_zalloc(sizeof *parts);

    parts->place.kind = &kind;
    parts->place.name = mem_printf("partitions:%s", conf->partitions.directory);
    parts->folder = mem_strdup(conf->partitions.directory);
    parts->max_size = conf->partitions.max_size;
    parts->interval_ns = conf->partitions.interval_ns;
    parts->rules =
        (struct logshelf_rules){.cap = conf->partitions.max_total, .pack = true, .await_shipper = true};
    if (gethostname(parts->host, sizeof parts->host - 1) != 0 || !parts->host[0])
        memcpy(parts->host, "penstock", sizeof "penstock");
    return &parts->place;
}
