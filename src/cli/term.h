/*
 * What a command may do to the terminal that it writes to: colour, pictures, size. NO_COLOR (any value) turns
 * colour off; a dumb terminal, a pipe and a file get plain lines.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include "base/bug.h"

#include <stdbool.h>
#include <stddef.h>

/* What a piece of text means; how that looks is term's business alone. */
enum term_style {
    TERM_PLAIN,
    TERM_STRONG, /* headings, and what is asked for */
    TERM_FAINT,  /* labels */
    TERM_GOOD,
    TERM_WARN,
    TERM_BAD,
    TERM_STABLE, /* the two groups, wherever they appear */
    TERM_CANARY,
    TERM_STYLES,
};

struct term {
    bool live;    /* a terminal whose cursor can be moved */
    bool color;   /* styles show */
    bool unicode; /* pictures beyond ASCII show; needs setlocale */
    size_t columns, rows;
};

/* Looks at what `fd` is, and at the environment. Thread: any that does not change the environment. */
void term_look(struct term *term, int fd);

/* The escape sequences of a style; empty without colour. */
const char *term_on(const struct term *term, enum term_style style);
const char *term_off(const struct term *term, enum term_style style);

/* Makes it plain ASCII: '?' for what is not, control characters too. */
void term_plain(char *text);

/* Writes "penstock: ..." (the name once only) and a line end to standard error; what came from outside loses
 * its control characters, line ends excepted. */
void term_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
