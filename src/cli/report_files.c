#include "cli/report_files.h"

#include "cli/figure.h"
#include "cli/lines.h"
#include "cli/term.h"
#include "report/report.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

static void note_bad(struct reading *reading, const char *why)
{
    struct report_lines *lines = &reading->files->report->lines;

    if (lines->bad++ == 0)
        snprintf(lines->bad_at, sizeof lines->bad_at, "%s:%llu: %s", lines_shown(reading->path),
                 (unsigned long long)reading->lines.number, why);
}

/* The entry of a line whose preset is not known yet, which then is. */
static bool guess(struct reading *reading, struct str line, struct logentry *entry)
{
    const struct logreader *reader = reading->files->reader;

    entry->why = "it is of none of the presets json, ecs, otel, alb, combined and ltsv";
    reading->known = logreader_guess(reader, line, &reading->preset);
    return reading->known && logreader_read(reader, reading->preset, line, entry);
}

static void take(struct reading *reading, struct str line)
{
    struct report *report = reading->files->report;
    struct logentry entry;
    bool ok;

    report->lines.bytes += line.len + 1;
    if (line.len == 0)
        return;
    if (++report->lines.read % PROGRESS_EVERY == 0)
        show_progress(reading);
    ok = reading->known ? logreader_read(reading->files->reader, reading->preset, line, &entry)
                        : guess(reading, line, &entry);
    if (ok)
        report_feed(report, reading->preset, &entry);
    else if (logreader_is_metrics(line))
        report->lines.metrics++;
    else
        note_bad(reading, entry.why);
}

static bool read_file(const struct report_files *files, const char *path)
{
    struct reading reading = {.files = files, .path = path, .known = files->known, .preset = files->preset};
    enum lines_next next;
    struct str line;

    if (!lines_open(&reading.lines, path)) {
        term_error("%s: %s", path, reading.lines.why);
        return false;
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

/* False when it could not be read. */
static bool take_entry(const struct report_files *files, FTS *walk, FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.')
            fts_set(walk, entry, FTS_SKIP);
        return true;
    case FTS_F:
        return entry->fts_name[0] == '.' || read_file(files, entry->fts_accpath);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        term_error("%s: cannot be read: %s", entry->fts_path, strerror(entry->fts_errno));
        return false;
    default:
        return true;
    }
}

static bool read_folder(const struct report_files *files, const char *path)
{
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    FTSENT *entry;
    bool ok = true;

    if (!walk) {
        term_error("%s: cannot be read: %s", path, strerror(errno));
        return false;
    }
    while ((entry = fts_read(walk)) != NULL)
        ok = take_entry(files, walk, entry) && ok;
    fts_close(walk);
    return ok;
}

bool report_files_read(const struct report_files *files, const char *path)
{
    struct stat stat_of;

    if (strcmp(path, "-") != 0 && stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode))
        return read_folder(files, path);
    return read_file(files, path);
}
