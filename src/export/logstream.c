#include "export/logstream.h"

#include "base/mem.h"
#include "export/logplace.h"
#include "export/logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct logstream {
    struct logplace place;
    struct logwriter writer;
};

static bool stream_open(struct logplace *place, char *why, size_t why_len)
{
    struct logstream *stream = (struct logstream *)place;
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

    if (fd < 0) {
        snprintf(why, why_len, "standard output: %s", strerror(errno));
        return false;
    }
    logwriter_set(&stream->writer, fd);
    return true;
}

static void stream_take(struct logplace *place, struct str bytes, uint32_t lines)
{
    struct logstream *stream = (struct logstream *)place;
    uint64_t written = 0;
    size_t done = logwriter_write(&stream->writer, bytes, &written);
    uint32_t whole = done == bytes.len ? lines : logwriter_lines((struct str){bytes.p, done});

    logplace_count(&place->counters.bytes, written);
    logplace_count(&place->counters.lines, whole);
    logplace_count(&place->counters.lost, lines - whole);
    if (done == bytes.len)
        logplace_works(place);
    else
        logplace_failed(place, logwriter_why(&stream->writer));
}

static void stream_finish(struct logplace *place, int64_t deadline_ns)
{
    struct logstream *stream = (struct logstream *)place;
    uint64_t written = 0;

    (void)deadline_ns;
    logwriter_write(&stream->writer, STR_NULL, &written);
    logplace_count(&place->counters.bytes, written);
}

static void stream_free(struct logplace *place)
{
    struct logstream *stream = (struct logstream *)place;

    logwriter_fini(&stream->writer);
    free(stream);
}

static const struct logplace_kind kind = {
    .open = stream_open, .take = stream_take, .finish = stream_finish, .free = stream_free};

struct logplace *logstream_new(void)
{
    struct logstream *stream = mem_zalloc(sizeof *stream);

    stream->place.kind = &kind;
    stream->place.name = mem_strdup("stdout");
    logwriter_init(&stream->writer);
    return &stream->place;
}
