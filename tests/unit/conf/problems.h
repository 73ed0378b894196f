/*
 * What the tests of conf/ share: the report as the text that a person would see.
 */
#ifndef TESTS_UNIT_CONF_PROBLEMS_H
#define TESTS_UNIT_CONF_PROBLEMS_H

#include "conf/report.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything in the report as it is printed; the caller frees it. Empties the report. */
static inline char *problems_text(struct conf_report *report)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(out);
    conf_report_print(report, out);
    fclose(out);
    conf_report_fini(report);
    return text;
}

/* A text and exactly the problems that it has. */
struct problems_case {
    const char *input;
    const char *problems;
};

/* Removes the lines that begin with one of the file's standing warnings, which every small input has. */
static inline void problems_drop(char *text, const char *const *standing, size_t len)
{
    char *from = text, *to = text;

    while (*from) {
        size_t line = strcspn(from, "\n") + (from[strcspn(from, "\n")] == '\n');
        bool drop = false;

        for (size_t i = 0; i < len; i++)
            drop |= memmem(from, line, standing[i], strlen(standing[i])) != NULL;
        if (!drop) {
            memmove(to, from, line);
            to += line;
        }
        from += line;
    }
    *to = '\0';
}

#endif
