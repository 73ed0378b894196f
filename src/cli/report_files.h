/*
 * The files of a report: logs in any preset, packed or not, in folders or on standard input, fed one after
 * the other.
 *
 * Blocks on reads. Thread: the caller's.
 */
#ifndef CLI_REPORT_FILES_H
#define CLI_REPORT_FILES_H

#include "base/bug.h"
#include "export/logreader.h"

#include <stdbool.h>

struct report;

struct report_files {
    struct report *report;
    const struct logreader *reader;
    bool known; /* all files have `preset`; else the lines of each say which they have */
    enum config_log_format preset;
    bool progress; /* is shown on standard error */
};

/* Reads a file, "-", or what is in a folder and in those below it, but for names that begin with a dot. False
 * when something could not be read to its end, which has been said. */
MUST_CHECK bool report_files_read(const struct report_files *files, const char *path);

#endif
