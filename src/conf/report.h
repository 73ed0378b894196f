/*
 * The report: every problem that was found in the files of one run, so that all of them are told at once and
 * not one a run. Whoever reads a file adds to it; whoever asked prints it, as lines or as JSON.
 *
 * Thread: one at a time; nothing here is shared.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "base/bug.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    CONF_REPORT_KEPT_MAX = 2000, /* problems kept; more are only counted */
    CONF_REPORT_SHOWN_MAX = 100, /* problems printed; then a count */
    CONF_REPORT_TEXT_MAX = 600,  /* bytes in the text of a problem; cut beyond */
};

enum conf_severity {
    CONF_ERROR,   /* the file is not taken */
    CONF_WARNING, /* it is taken, but somebody should know */
};

struct conf_problem {
    char *text;
    unsigned file; /* index in conf_report.files */
    int line, col; /* from 1, in characters; 0, 0: the whole file */
    enum conf_severity severity;
};

struct conf_report {
    char **files; /* names, in the order in which they came up */
    unsigned files_len;
    struct conf_problem *problems; /* in the order in which they were found, until sorted */
    size_t len;
    size_t errors, warnings; /* all, also those that were not kept */
};

void conf_report_init(struct conf_report *report);
void conf_report_fini(struct conf_report *report);

/*
 * Adds a problem. Control characters in the text become '?', since parts of it come from the file and it may
 * go to a terminal. `file` is copied; "-" is shown as <stdin>.
 */
void conf_report_add(struct conf_report *report, enum conf_severity severity, const char *file, int line,
                     int col, const char *fmt, ...) PRINTF_LIKE(6, 7);
void conf_report_vadd(struct conf_report *report, enum conf_severity severity, const char *file, int line,
                      int col, const char *fmt, va_list ap) PRINTF_LIKE(6, 0);

/* The index of a file in report.files; it is there afterwards. */
unsigned conf_report_file(struct conf_report *report, const char *file);
/* By file, then place. What stands at one place keeps its order. */
void conf_report_sort(struct conf_report *report);
/* Sorts, then writes a line a problem: `file:line:col: message`, with `warning: ` before a warning's message;
 * at most CONF_REPORT_SHOWN_MAX of them, then how many more there are. Nothing when there is no problem. */
void conf_report_print(struct conf_report *report, FILE *out);
/* Writes each problem's text to our own log, an error as one and a warning as one. */
void conf_report_log(const struct conf_report *report);
/* Sorts, then gives an array of {"file", "line", "column", "severity", "message"}, shown as above; a new
 * reference. */
json_t *conf_report_json(struct conf_report *report);

#endif
