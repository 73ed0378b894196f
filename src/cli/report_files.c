#include "cli/report_files.h"

#include "base/mem.h"
#include "cli/figure.h"
#include "cli/lines.h"
#include "cli/term.h"
#include "report/report.h"

#include <errno.h>
#include <fts.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRESS_EVERY = 1 << 19 }; /* lines */

/* A file that is being read. */
struct reading {
    const struct report_files *files;
    const char *path;
    struct lines lines;
    bool known;
    enum config_log_format preset;
};

static void show_progress(const struct reading *reading)
{
    char count[FIGURE_LEN];

    if (reading->files->progress)
        fprintf(stderr, "\r%s lines", figure_count(reading->files->report->lines.read, count));
}

static void hide_progress(const struct reading *reading)
{
    if (reading->files->progress && reading->files->report->lines.read >= PROGRESS_EVERY)
        fprintf(stderr, "\r\033[K");
}

/* Why a line of no preset could not be read. */
static const char *why_bad(const struct reading *reading, struct str line)
{
    struct logentry entry = {.why = "it is of none of the presets json, ecs, otel, alb, combined and ltsv"};
    bool ok = reading->known && logreader_read(reading->files->reader, reading->preset, line, &entry);

    BUG_ON(ok);
    return entry.why;
}

static void note_bad(struct reading *reading, struct str line)
{
    struct report_lines *lines = &reading->files->report->lines;

    if (lines->bad++ > 0)
        return;
    snprintf(lines->bad_at, sizeof lines->bad_at, "%s:%llu: %s", lines_shown(reading->path),
             (unsigned long long)reading->lines.number, why_bad(reading, line));
    term_plain(lines->bad_at);
}

/* The entry of a line of a preset that the lines before it did not have, as the lines behind it then do. */
static bool guess(struct reading *reading, struct str line, struct logentry *entry)
{
    const struct logreader *reader = reading->files->reader;
    enum config_log_format preset;

    if (!logreader_guess(reader, line, &preset))
        return false;
    reading->known = true;
    reading->preset = preset;
    return logreader_read(reader, preset, line, entry);
}

static void take(struct reading *reading, struct str line)
{
    struct report *report = reading->files->report;
    struct logentry entry;

    report->lines.bytes += line.len + 1;
    if (line.len == 0)
        return;
    if (++report->lines.read % PROGRESS_EVERY == 0)
        show_progress(reading);
    if (reading->known && logreader_read(reading->files->reader, reading->preset, line, &entry))
        report_feed(report, reading->preset, &entry);
    else if (logreader_is_metrics(line))
        report->lines.metrics++;
    else if (!reading->files->known && guess(reading, line, &entry))
        report_feed(report, reading->preset, &entry);
    else
        note_bad(reading, line);
}

/* ---- files ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Whether it was read before, by this name or by a link: its requests would count twice. Numbers of files are
 * used for those with several names only: file systems over a network may give them out again. */
static bool is_seen(struct report_files *files, const char *path, int fd)
{
    struct stat status;
    char *key, **found;

    if (fd == STDIN_FILENO || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    key = status.st_nlink > 1 ? mem_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino)
                              : realpath(path, NULL);
    found = key ? tsearch(key, &files->seen, by_text) : &key;
    BUG_ON(!found);
    if (*found == key)
        return false;
    free(key);
    return true;
}

void report_files_fini(struct report_files *files)
{
    tdestroy(files->seen, free);
    files->seen = NULL;
}

static bool read_file(struct report_files *files, const char *path)
{
    struct reading reading = {.files = files, .path = path, .known = files->known, .preset = files->preset};
    enum lines_next next;
    struct str line;

    if (!lines_open(&reading.lines, path)) {
        term_error("%s: %s", path, reading.lines.why);
        return false;
    }
    if (is_seen(files, path, reading.lines.fd)) {
        term_error("%s: passed over: it was read before", lines_shown(path));
        lines_close(&reading.lines);
        return true;
    }
    files->report->lines.files++;
    while ((next = lines_next(&reading.lines, &line)) == LINES_LINE)
        take(&reading, line);
    hide_progress(&reading);
    if (next == LINES_FAILED)
        term_error("%s:%llu: %s; what stands before it is in the report", lines_shown(path),
                   (unsigned long long)reading.lines.number, reading.lines.why);
    lines_close(&reading.lines);
    return next == LINES_END;
}

/* ---- folders ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The pack of a log that is being made says what the log says. */
static bool is_no_log(const struct report_files *files, const FTSENT *entry)
{
    return entry->fts_name[0] == '.' || str_ends_with(str_from(entry->fts_name), STR(".part")) ||
           (entry->fts_statp->st_ino == files->out_ino && entry->fts_statp->st_dev == files->out_dev);
}

/* False when it could not be read. */
static bool take_entry(struct report_files *files, FTS *walk, FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.')
            fts_set(walk, entry, FTS_SKIP);
        return true;
    case FTS_F:
        return is_no_log(files, entry) || read_file(files, entry->fts_accpath);
    case FTS_SLNONE:
        if (entry->fts_name[0] == '.')
            return true;
        term_error("%s: cannot be opened: the link leads nowhere", entry->fts_path);
        return false;
    case FTS_DC:
        term_error("%s: passed over: it is the same folder as one above it", entry->fts_path);
        return true;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        term_error("%s: cannot be read: %s", entry->fts_path, strerror(entry->fts_errno));
        return false;
    default:
        return true;
    }
}

static bool read_folder(struct report_files *files, const char *path)
{
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    FTSENT *entry;
    bool ok = true;

    if (!walk) {
        term_error("%s: cannot be read: %s", path, strerror(errno));
        return false;
    }
    while (errno = 0, (entry = fts_read(walk)) != NULL)
        ok = take_entry(files, walk, entry) && ok;
    if (errno) {
        term_error("%s: cannot be read to its end: %s", path, strerror(errno));
        ok = false;
    }
    fts_close(walk);
    return ok;
}

bool report_files_read(struct report_files *files, const char *path)
{
    struct stat stat_of;

    if (strcmp(path, "-") != 0 && stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode))
        return read_folder(files, path);
    return read_file(files, path);
}
