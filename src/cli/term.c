#include "cli/term.h"

#include "base/mem.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    COLUMNS_USUAL = 80,
    ROWS_USUAL = 24,
    ERROR_MAX = 16 * 1024, /* bytes of one message; cut beyond */
};

void term_look(struct term *term, int fd)
{
    const char *no_color = getenv("NO_COLOR"), *kind = getenv("TERM");
    struct winsize size;

    *term = (struct term){.columns = COLUMNS_USUAL, .rows = ROWS_USUAL};
    term->live = isatty(fd) && kind && *kind && strcmp(kind, "dumb") != 0;
    term->color = term->live && !(no_color && *no_color);
    term->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        term->columns = size.ws_col;
        term->rows = size.ws_row;
    }
}

static const char *const style_codes[TERM_STYLES] = {
    [TERM_PLAIN] = "",          [TERM_STRONG] = "\033[1m",  [TERM_FAINT] = "\033[2m",
    [TERM_GOOD] = "\033[32m",   [TERM_WARN] = "\033[33m",   [TERM_BAD] = "\033[1;31m",
    [TERM_STABLE] = "\033[34m", [TERM_CANARY] = "\033[33m",
};

const char *term_on(const struct term *term, enum term_style style)
{
    return term->color ? style_codes[style] : "";
}

const char *term_off(const struct term *term, enum term_style style)
{
    return term->color && style != TERM_PLAIN ? "\033[0m" : "";
}

void term_plain(char *text)
{
    for (; *text; text++)
        *text = *text >= ' ' && *text <= '~' ? *text : '?';
}

void term_error(const char *fmt, ...)
{
    char *text = mem_alloc(ERROR_MAX);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, ERROR_MAX, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' && *p != '\n' && *p != '\t')
            *p = '?';
    }
    fprintf(stderr, "%s%s\n", strncmp(text, "penstock ", 9) == 0 ? "" : "penstock: ", text);
    free(text);
}
