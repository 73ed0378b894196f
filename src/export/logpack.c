#include "export/logpack.h"

#include "base/mem.h"
#include "export/logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    FILE_MODE = 0640,
    GZIP = 16 + MAX_WBITS, /* for zlib: with the header of gzip */
    /* Access lines are as alike as can be: the fastest level makes a tenth of them, and others hardly less.
     */
    LEVEL = Z_BEST_SPEED,
    MEMORY_LEVEL = 8,
};

struct logpack {
    int in, out;
    char *part; /* the path of the pack; NULL: it has its name */
    z_stream zip;
    uint64_t size;
    char read[LOGPACK_READ];
    unsigned char made[LOGPACK_STEP];
};

struct logpack *logpack_new(const char *path)
{
    struct logpack *pack = mem_zalloc(sizeof *pack);
    int error;

    pack->part = mem_printf("%s.part", path);
    pack->in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    pack->out = pack->in < 0
                    ? -1
                    : open(pack->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (pack->out >= 0 &&
        deflateInit2(&pack->zip, LEVEL, Z_DEFLATED, GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
        return pack;
    error = pack->out >= 0 ? ENOMEM : errno;
    logpack_free(pack);
    errno = error;
    return NULL;
}

static bool put(struct logpack *pack, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(pack->out, pack->made + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    pack->size += len;
    return true;
}

enum logpack_step logpack_work(struct logpack *pack)
{
    ssize_t n = read(pack->in, pack->read, sizeof pack->read);
    int result;

    if (n < 0)
        return errno == EINTR ? LOGPACK_MORE : LOGPACK_FAILED;
    pack->zip.next_in = (unsigned char *)pack->read;
    pack->zip.avail_in = (unsigned)n;
    do {
        pack->zip.next_out = pack->made;
        pack->zip.avail_out = sizeof pack->made;
        result = deflate(&pack->zip, n == 0 ? Z_FINISH : Z_NO_FLUSH);
        if (!put(pack, sizeof pack->made - pack->zip.avail_out))
            return LOGPACK_FAILED;
    } while (pack->zip.avail_out == 0);
    return result == Z_STREAM_END ? LOGPACK_DONE : LOGPACK_MORE;
}

uint64_t logpack_size(const struct logpack *pack)
{
    return pack->size;
}

bool logpack_finish(struct logpack *pack, const char *name)
{
    if (fdatasync(pack->out) != 0 || rename(pack->part, name) != 0)
        return false;
    free(pack->part);
    pack->part = NULL;
    return true;
}

void logpack_free(struct logpack *pack)
{
    if (!pack)
        return;
    deflateEnd(&pack->zip);
    if (pack->in >= 0)
        close(pack->in);
    if (pack->out >= 0)
        close(pack->out);
    if (pack->part && pack->out >= 0)
        unlink(pack->part);
    free(pack->part);
    free(pack);
}

uint64_t logpack_lines(const char *path)
{
    gzFile in = gzopen(path, "re");
    char *bytes = mem_alloc(LOGPACK_READ);
    uint64_t lines = 0;
    int n;

    while (in && (n = gzread(in, bytes, LOGPACK_READ)) > 0)
        lines += logwriter_lines((struct str){bytes, (size_t)n});
    free(bytes);
    if (in)
        gzclose(in);
    return lines;
}
