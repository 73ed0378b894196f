#include "cli/lines.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool lines_open(struct lines *lines, const char *path)
{
    *lines = (struct lines){.fd = STDIN_FILENO};
    if (strcmp(path, "-") != 0)
        lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0) {
        snprintf(lines->why, sizeof lines->why, "cannot be opened: %s", strerror(errno));
        return false;
    }
    lines->block = mem_alloc(LINES_BLOCK + 1);
    return true;
}

void lines_close(struct lines *lines)
{
    if (lines->fd > STDIN_FILENO)
        close(lines->fd);
    free(lines->block);
    lines->block = NULL;
    lines->fd = -1;
}

/* Reads what fits behind what is left. */
static bool fill(struct lines *lines)
{
    ssize_t n;

    memmove(lines->block, lines->block + lines->from, lines->to - lines->from);
    lines->to -= lines->from;
    lines->from = 0;
    if (lines->to == LINES_BLOCK) {
        snprintf(lines->why, sizeof lines->why, "the line is longer than %d bytes", LINES_BLOCK);
        return false;
    }
    do
        n = read(lines->fd, lines->block + lines->to, LINES_BLOCK - lines->to);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        snprintf(lines->why, sizeof lines->why, "cannot be read: %s", strerror(errno));
        return false;
    }
    lines->end = n == 0;
    lines->to += (size_t)n;
    return true;
}

static enum lines_next give(struct lines *lines, size_t len, size_t skip, struct str *line_r)
{
    const char *p = lines->block + lines->from;

    lines->from += len + skip;
    lines->number++;
    if (len && p[len - 1] == '\r')
        len--;
    *line_r = (struct str){p, len};
    return LINES_LINE;
}

enum lines_next lines_next(struct lines *lines, struct str *line_r)
{
    size_t seen = 0;

    for (;;) {
        const char *from = lines->block + lines->from;
        size_t left = lines->to - lines->from;
        const char *lf = memchr(from + seen, '\n', left - seen);

        if (lf)
            return give(lines, (size_t)(lf - from), 1, line_r);
        if (lines->end && left > 0)
            return give(lines, left, 0, line_r);
        if (lines->end)
            return LINES_END;
        seen = left;
        if (!fill(lines)) {
            lines->number++;
            return LINES_FAILED;
        }
    }
}
