#include "conf/input.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All bytes up to `max` + 1, so that a file that is too large is noticed and not cut. */
static ssize_t read_all(int fd, struct text *out)
{
    char block[8192];
    ssize_t n;

    while (!out->full) {
        n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n;
        text_add(out, block, (size_t)n);
    }
    return 0;
}

char *input_read(const char *path, size_t max, size_t *len_r, char **why_r)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct text text;
    char *why = NULL;

    text_init(&text, max);
    if (fd < 0 || read_all(fd, &text) < 0)
        why = mem_printf("cannot be read: %s", strerror(errno));
    else if (text.full)
        why = mem_printf("is larger than %zu bytes", max);
    if (fd >= 0 && !is_stdin)
        close(fd);
    if (why) {
        text_fini(&text);
        *why_r = why;
        return NULL;
    }
    *len_r = text.len;
    return text_take(&text);
}

char *input_path(const char *folder, const char *path)
{
    if (path[0] == '/' || strcmp(folder, ".") == 0)
        return mem_strdup(path);
    return mem_printf("%s/%s", folder, path);
}

char *input_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}
