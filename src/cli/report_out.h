/*
 * Where a report goes: standard output, or a file that is replaced as a whole, so that whoever looks finds
 * the old report or the new one. What is no file (a pipe, a terminal) is written to as it is.
 *
 * Thread: the caller's.
 */
#ifndef CLI_REPORT_OUT_H
#define CLI_REPORT_OUT_H

#include "base/bug.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct report_out {
    const char *path; /* borrowed; NULL: standard output */
    char *place;      /* of the file, behind links, owned; NULL: it is none */
    char *part;       /* what becomes the file, owned */
    FILE *file;       /* NULL: not open */
    dev_t dev;        /* of the old file, and 0 when there is none */
    ino_t ino;
};

/* Before logs are read, which takes its time: false when nothing can be written there, which has been said.
 * "-" and NULL are standard output. */
MUST_CHECK bool report_out_init(struct report_out *out, const char *path);
void report_out_fini(struct report_out *out);
/* What to write to; NULL when it cannot be opened, which has been said. */
FILE *report_out_open(struct report_out *out);
/* Without `ok` (nor when something could not be written, which is said) nothing is left, and an old file
 * stays. False then. */
MUST_CHECK bool report_out_close(struct report_out *out, bool ok);

#endif
