/*
 * Whole lines into a descriptor. What is lost when it does not take everything are whole lines: the end of
 * one that was begun is kept and written before the next. Thread: that of its place.
 */
#ifndef EXPORT_LOGWRITER_H
#define EXPORT_LOGWRITER_H

#include "base/str.h"
#include "export/logplace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logwriter {
    int fd;       /* -1: not open */
    bool patient; /* a pipe, a terminal or a socket: writes could block for ever, so poll first */
    bool stalled; /* its reader has just taken nothing for two seconds: do not wait again */
    int error;    /* errno of the write that failed; 0: it takes nothing, or is not open */
    char *carry;  /* the end of a line of which the beginning is written */
    size_t carry_len;
};

void logwriter_init(struct logwriter *writer);
/* Closes it and frees what it holds. */
void logwriter_fini(struct logwriter *writer);
/* Takes a descriptor in place of the one that it has. */
void logwriter_set(struct logwriter *writer, int fd);
/* Writes what it can; gives how many bytes of `bytes` that are (whole lines, the kept end of one included).
 * Less than all of them: see `error`. Bytes that went out are added to *written. */
size_t logwriter_write(struct logwriter *writer, struct str bytes, uint64_t *written);
/* Forgets the end of a line. */
void logwriter_drop(struct logwriter *writer);
/* How many lines end in it. */
uint32_t logwriter_lines(struct str bytes);
/* What was wrong, in words. */
const char *logwriter_why(const struct logwriter *writer);

#endif
