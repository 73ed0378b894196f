#include "cli/report_out.h"

#include "base/mem.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const struct report_out *out, const char *what)
{
    int error = errno;

    term_error("%s: %s: %s", out->path ? out->path : "<stdout>", what, strerror(error));
    return false;
}

static int open_part(const struct report_out *out)
{
    return open(out->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

/* Finds out by doing it; nothing stays, for who ends us while logs are read. */
static bool try_part(const struct report_out *out)
{
    int fd = open_part(out);

    if (fd < 0)
        return false;
    close(fd);
    return unlink(out->part) == 0;
}

/* False with errno. */
static bool find_place(struct report_out *out)
{
    struct stat status;

    if (stat(out->path, &status) != 0) {
        out->place = mem_strdup(out->path);
        return true;
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (access(out->path, W_OK) != 0)
        return false;
    if (!S_ISREG(status.st_mode))
        return true;
    out->dev = status.st_dev;
    out->ino = status.st_ino;
    out->place = realpath(out->path, NULL);
    return out->place != NULL;
}

bool report_out_init(struct report_out *out, const char *path)
{
    *out = (struct report_out){.path = path && strcmp(path, "-") != 0 ? path : NULL};
    if (!out->path)
        return true;
    if (!find_place(out))
        return complain(out, "cannot be opened");
    if (!out->place)
        return true;
    out->part = mem_printf("%s.%ld", out->place, (long)getpid());
    return try_part(out) || complain(out, "cannot be opened");
}

void report_out_fini(struct report_out *out)
{
    free(out->place);
    free(out->part);
    *out = (struct report_out){0};
}

FILE *report_out_open(struct report_out *out)
{
    int fd = -1;

    if (!out->path) {
        out->file = stdout;
    } else if (!out->place) {
        out->file = fopen(out->path, "we");
    } else {
        fd = open_part(out);
        out->file = fd < 0 ? NULL : fdopen(fd, "w");
    }
    if (!out->file)
        complain(out, "cannot be opened");
    return out->file;
}

bool report_out_close(struct report_out *out, bool ok)
{
    bool flushed = fflush(out->file) == 0 && !ferror(out->file);

    flushed = (out->file == stdout || fclose(out->file) == 0) && flushed;
    out->file = NULL;
    if (flushed && ok && out->place)
        flushed = rename(out->part, out->place) == 0;
    if (!flushed)
        complain(out, "cannot be written");
    if (out->place && !(flushed && ok))
        unlink(out->part);
    return flushed && ok;
}
