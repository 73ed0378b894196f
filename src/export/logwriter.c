#include "export/logwriter.h"

#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STALL_MS = 2000,  /* that a reader may take nothing before its lines are given up */
    PIECE_MAX = 4096, /* PIPE_BUF: what a pipe takes without blocking once it is writable */
    CARRY_MAX = LOGFORMAT_MAX,
};

void logwriter_init(struct logwriter *writer)
{
    *writer = (struct logwriter){.fd = -1, .carry = mem_alloc(CARRY_MAX)};
}

void logwriter_fini(struct logwriter *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->carry);
    *writer = (struct logwriter){.fd = -1};
}

void logwriter_set(struct logwriter *writer, int fd)
{
    struct stat stat;

    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = fd;
    writer->patient = fd >= 0 && fstat(fd, &stat) == 0 && !S_ISREG(stat.st_mode);
    writer->stalled = false;
}

/* Whether a write of PIECE_MAX would not block. */
static bool takes(const struct logwriter *writer)
{
    struct pollfd pollfd = {.fd = writer->fd, .events = POLLOUT};
    int ready;

    if (!writer->patient)
        return true;
    do
        ready = poll(&pollfd, 1, writer->stalled ? 0 : STALL_MS);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Writes as much as it takes; gives how much that was. */
static size_t put(struct logwriter *writer, const char *bytes, size_t len, uint64_t *written)
{
    size_t done = 0;

    writer->error = 0;
    while (done < len) {
        size_t piece = writer->patient && len - done > PIECE_MAX ? PIECE_MAX : len - done;
        ssize_t n;

        if (writer->fd < 0 || !takes(writer)) {
            writer->stalled = true;
            break;
        }
        n = write(writer->fd, bytes + done, piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            writer->error = errno;
            break;
        }
        done += (size_t)n;
        writer->stalled = false;
    }
    *written += done;
    return done;
}

/* Ends the line that was begun before. False when it still does not take it. */
static bool finish_line(struct logwriter *writer, uint64_t *written)
{
    size_t done = put(writer, writer->carry, writer->carry_len, written);

    memmove(writer->carry, writer->carry + done, writer->carry_len - done);
    writer->carry_len -= done;
    return writer->carry_len == 0;
}

size_t logwriter_write(struct logwriter *writer, struct str bytes, uint64_t *written)
{
    const char *rest, *lf;
    size_t done;

    if (writer->carry_len > 0 && !finish_line(writer, written))
        return 0;
    done = put(writer, bytes.p, bytes.len, written);
    rest = bytes.p + done;
    if (done == 0 || done == bytes.len || rest[-1] == '\n')
        return done;
    lf = memchr(rest, '\n', bytes.len - done);
    writer->carry_len = lf ? (size_t)(lf + 1 - rest) : bytes.len - done;
    BUG_ON(writer->carry_len > CARRY_MAX);
    memcpy(writer->carry, rest, writer->carry_len);
    return done + writer->carry_len;
}

void logwriter_drop(struct logwriter *writer)
{
    writer->carry_len = 0;
}

uint32_t logwriter_lines(struct str bytes)
{
    const char *p = bytes.p, *end = bytes.p + bytes.len;
    uint32_t lines = 0;

    for (const char *lf; p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1)
        lines++;
    return lines;
}

const char *logwriter_why(const struct logwriter *writer)
{
    if (writer->error)
        return strerror(writer->error);
    return writer->fd < 0 ? "not open" : "its reader takes nothing";
}
