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
#include <sys/types.h>

struct report;

struct report_files {
    struct report *report;
    const struct logreader *reader;
    bool known; /* all lines are of `preset`; else they say themselves of which they are */
    enum config_log_format preset;
    bool progress; /* is shown on standard error */
    dev_t out_dev; /* the file that the report will replace, which is in no folder; 0: none */
    ino_t out_ino;
    void *seen; /* files that were read, a tree */
};

/* Reads a file, "-", or what is in a folder and in those below it, but for names that begin with a dot, and
 * packs that are being made. A file is read once, by whatever name. False when something could not be read to
 * its end, which has been said. */
MUST_CHECK bool report_files_read(struct report_files *files, const char *path);
/* Forgets what was read. */
void report_files_fini(struct report_files *files);

#endif
