#include "cli/lines.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is packed waits in `input`. By ISA-L, which takes half of zlib's time for it. */
struct gunzip {
    struct inflate_state state;
    bool inside; /* a member has begun and not ended */
    unsigned char input[LINES_BLOCK];
};

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
    free(lines->gunzip);
    lines->gunzip = NULL;
    free(lines->block);
    lines->block = NULL;
    lines->fd = -1;
}

const char *lines_shown(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

/* Up to `len` bytes of the file; 0 at its end. Negative after an error, which is in `why`. */
static ssize_t read_some(struct lines *lines, void *into, size_t len)
{
    ssize_t n;

    do
        n = read(lines->fd, into, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        snprintf(lines->why, sizeof lines->why, "cannot be read: %s", strerror(errno));
    return n;
}

/* ---- gzip ---- */

enum { GZIP_FIRST = 0x1f, GZIP_SECOND = 0x8b };

/* What was read into the block goes to the unpacker. */
static void begin_gunzip(struct lines *lines, size_t len)
{
    struct gunzip *gunzip = mem_alloc(sizeof *gunzip);

    isal_inflate_init(&gunzip->state);
    gunzip->state.crc_flag = ISAL_GZIP;
    gunzip->inside = false;
    memcpy(gunzip->input, lines->block, len);
    gunzip->state.next_in = gunzip->input;
    gunzip->state.avail_in = (uint32_t)len;
    lines->gunzip = gunzip;
}

/* More packed bytes; 0 at the end. */
static ssize_t refill(struct lines *lines)
{
    struct gunzip *gunzip = lines->gunzip;
    ssize_t n = read_some(lines, gunzip->input, sizeof gunzip->input);

    if (n > 0) {
        gunzip->state.next_in = gunzip->input;
        gunzip->state.avail_in = (uint32_t)n;
    }
    if (n == 0 && gunzip->inside) {
        snprintf(lines->why, sizeof lines->why, "the gzip data ends in the middle");
        return -1;
    }
    return n;
}

/* Goes on with the packed bytes that are there, or with what is left of those before. False when they are
 * damaged. */
static bool inflate_some(struct gunzip *gunzip)
{
    struct inflate_state *state = &gunzip->state;

    if (isal_inflate(state) != ISAL_DECOMP_OK)
        return false;
    if (state->block_state == ISAL_BLOCK_FINISH) {
        gunzip->inside = false;
        isal_inflate_reset(state);
    }
    return true;
}

/* Up to `len` unpacked bytes; 0 at the end. As gzip itself does, what stands behind the last member and is
 * none is passed over. */
static ssize_t unpack(struct lines *lines, char *into, size_t len)
{
    struct gunzip *gunzip = lines->gunzip;
    struct inflate_state *state = &gunzip->state;
    bool dry = !gunzip->inside; /* nothing more comes of what was read before */

    state->next_out = (unsigned char *)into;
    state->avail_out = (uint32_t)len;
    while (state->avail_out == len) {
        if (dry && state->avail_in == 0) {
            ssize_t n = refill(lines);

            if (n <= 0)
                return n;
        }
        if (!gunzip->inside && *state->next_in != GZIP_FIRST)
            return 0;
        gunzip->inside = true;
        if (!inflate_some(gunzip)) {
            snprintf(lines->why, sizeof lines->why, "the gzip data is damaged");
            return -1;
        }
        dry = true;
    }
    return (ssize_t)(len - state->avail_out);
}

/* The first read: what it brings says whether the file is packed. */
static ssize_t begin(struct lines *lines, char *into, size_t len)
{
    size_t got = 0;

    lines->begun = true;
    while (got < 2) {
        ssize_t n = read_some(lines, into + got, len - got);

        if (n < 0)
            return n;
        if (n == 0)
            return (ssize_t)got;
        got += (size_t)n;
    }
    if ((unsigned char)into[0] != GZIP_FIRST || (unsigned char)into[1] != GZIP_SECOND)
        return (ssize_t)got;
    begin_gunzip(lines, got);
    return unpack(lines, into, len);
}

/* ---- lines ---- */

/* Reads what fits behind what is left. */
static bool fill(struct lines *lines)
{
    char *into;
    size_t room;
    ssize_t n;

    memmove(lines->block, lines->block + lines->from, lines->to - lines->from);
    lines->to -= lines->from;
    lines->from = 0;
    if (lines->to == LINES_BLOCK) {
        snprintf(lines->why, sizeof lines->why, "the line is longer than %d bytes", LINES_BLOCK);
        return false;
    }
    into = lines->block + lines->to;
    room = LINES_BLOCK - lines->to;
    if (room > LINES_PIECE)
        room = LINES_PIECE;
    if (!lines->begun)
        n = begin(lines, into, room);
    else
        n = lines->gunzip ? unpack(lines, into, room) : read_some(lines, into, room);
    if (n < 0)
        return false;
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
