#include "conf/report.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

void conf_report_init(struct conf_report *report)
{
    *report = (struct conf_report){0};
}

void conf_report_fini(struct conf_report *report)
{
    for (size_t i = 0; i < report->len; i++)
        free(report->problems[i].text);
    for (unsigned i = 0; i < report->files_len; i++)
        free(report->files[i]);
    free(report->problems);
    free(report->files);
    conf_report_init(report);
}

unsigned conf_report_file(struct conf_report *report, const char *file)
{
    const char *shown = strcmp(file, "-") == 0 ? "<stdin>" : file;

    for (unsigned i = 0; i < report->files_len; i++)
        if (strcmp(report->files[i], shown) == 0)
            return i;
    report->files = mem_resize(report->files, report->files_len + 1, sizeof *report->files);
    report->files[report->files_len] = mem_strdup(shown);
    return report->files_len++;
}

/* Terminals act on C0, DEL and C1 (in UTF-8: C2 80 to C2 9F). */
static void disarm(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
        else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
            *p = p[1] = '?';
}

/* Cut at CONF_REPORT_TEXT_MAX, and there not inside a character. */
static void cut(char *text)
{
    size_t len = strlen(text);

    if (len <= CONF_REPORT_TEXT_MAX)
        return;
    for (len = CONF_REPORT_TEXT_MAX; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
        ;
    text[len] = '\0';
}

void conf_report_vadd(struct conf_report *report, enum conf_severity severity, const char *file, int line,
                      int col, const char *fmt, va_list ap)
{
    struct conf_problem *problem;
    char *text;

    if (severity == CONF_ERROR)
        report->errors++;
    else
        report->warnings++;
    if (report->len == CONF_REPORT_KEPT_MAX)
        return;
    BUG_ON(vasprintf(&text, fmt, ap) < 0);
    cut(text);
    disarm(text);
    report->problems = mem_resize(report->problems, report->len + 1, sizeof *report->problems);
    problem = &report->problems[report->len++];
    *problem = (struct conf_problem){
        .text = text, .file = conf_report_file(report, file), .line = line, .col = col, .severity = severity};
}

void conf_report_add(struct conf_report *report, enum conf_severity severity, const char *file, int line,
                     int col, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    conf_report_vadd(report, severity, file, line, col, fmt, ap);
    va_end(ap);
}

static bool comes_before(const struct conf_problem *a, const struct conf_problem *b)
{
    if (a->file != b->file)
        return a->file < b->file;
    if (a->line != b->line)
        return a->line < b->line;
    return a->col < b->col;
}

/* Insertion: stable, nothing to allocate, and what comes in is nearly in order already. */
void conf_report_sort(struct conf_report *report)
{
    for (size_t i = 1; i < report->len; i++) {
        struct conf_problem moved = report->problems[i];
        size_t at = i;

        for (; at > 0 && comes_before(&moved, &report->problems[at - 1]); at--)
            report->problems[at] = report->problems[at - 1];
        report->problems[at] = moved;
    }
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

void conf_report_print(struct conf_report *report, FILE *out)
{
    size_t shown[2] = {0, 0}, left[2];

    conf_report_sort(report);
    for (size_t i = 0; i < report->len && i < CONF_REPORT_SHOWN_MAX; i++) {
        const struct conf_problem *problem = &report->problems[i];

        fprintf(out, "%s:", report->files[problem->file]);
        if (problem->line)
            fprintf(out, "%d:%d:", problem->line, problem->col);
        fprintf(out, " %s%s\n", problem->severity == CONF_WARNING ? "warning: " : "", problem->text);
        shown[problem->severity]++;
    }
    left[CONF_ERROR] = report->errors - shown[CONF_ERROR];
    left[CONF_WARNING] = report->warnings - shown[CONF_WARNING];
    if (left[CONF_ERROR] || left[CONF_WARNING])
        fprintf(out, "and %zu more error%s and %zu more warning%s\n", left[CONF_ERROR],
                plural(left[CONF_ERROR]), left[CONF_WARNING], plural(left[CONF_WARNING]));
}

void conf_report_log(const struct conf_report *report)
{
    for (size_t i = 0; i < report->len; i++)
        log_at(report->problems[i].severity == CONF_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "%s",
               report->problems[i].text);
}

json_t *conf_report_json(struct conf_report *report)
{
    json_t *list = json_array();

    conf_report_sort(report);
    for (size_t i = 0; i < report->len && i < CONF_REPORT_SHOWN_MAX; i++) {
        const struct conf_problem *problem = &report->problems[i];
        json_t *item =
            json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", report->files[problem->file], "line",
                      problem->line, "column", problem->col, "severity",
                      problem->severity == CONF_WARNING ? "warning" : "error", "message", problem->text);

        BUG_ON(!item || json_array_append_new(list, item) < 0);
    }
    return list;
}
