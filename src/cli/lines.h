/*
 * The lines of a file or of standard input, one after the other, without a copy: for inputs of any length.
 * What begins as gzip does is unpacked, whatever its name, also several members behind one another (RFC
 * 1952). Blocks on reads. Thread: the caller's.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LINES_BLOCK = 1 << 20, /* bytes that are held, and of the longest line */
    LINES_PIECE = 1 << 17, /* read at a time, so that they are in the cache when they are looked at */
};

enum lines_next {
    LINES_LINE,
    LINES_END,
    LINES_FAILED, /* a read error, or a line that is too long: see `why` */
};

struct gunzip;

struct lines {
    int fd;
    struct gunzip *gunzip; /* owned; NULL: the bytes are as they are */
    bool begun;            /* its first bytes have been looked at */
    char *block;           /* LINES_BLOCK + 1 bytes, owned */
    size_t from, to;       /* what has not been given out: block[from..to) */
    bool end;              /* nothing more can be read */
    uint64_t number;       /* of the last line, from 1 */
    char why[96];
};

/* "-" is standard input. False with the reason in `why`. */
MUST_CHECK bool lines_open(struct lines *lines, const char *path);
void lines_close(struct lines *lines);
/* The path as people are told it. */
const char *lines_shown(const char *path);
/* The next line without its end (LF, or CR LF); valid until the next call. One byte behind it is readable. */
enum lines_next lines_next(struct lines *lines, struct str *line_r);

#endif
