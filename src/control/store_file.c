#include "control/store_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 << 20 };

static json_t *parse(FILE *file, char *why, size_t why_len)
{
    json_error_t error;
    struct stat stat;
    json_t *json;

    if (fstat(fileno(file), &stat) || !S_ISREG(stat.st_mode) || stat.st_size > FILE_BYTES_MAX) {
        snprintf(why, why_len, "not a regular file of at most %d bytes", FILE_BYTES_MAX);
        return NULL;
    }
    json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        snprintf(why, why_len, "line %d: %s", error.line, error.text);
    else if (!json_is_object(json))
        snprintf(why, why_len, "not a JSON object");
    if (json && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

json_t *store_file_read(const char *path, char *why, size_t why_len)
{
    FILE *file = fopen(path, "re");
    json_t *json;

    why[0] = '\0';
    if (!file) {
        if (errno != ENOENT)
            snprintf(why, why_len, "%s", strerror(errno));
        return NULL;
    }
    json = parse(file, why, why_len);
    fclose(file);
    return json;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Makes the rename itself last. */
static bool sync_folder(const char *path)
{
    char *copy = mem_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    free(copy);
    return ok;
}

static bool replace(const char *path, const char *temporary, const char *bytes)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0)
        return false;
    ok = write_all(fd, bytes, strlen(bytes)) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    return ok && rename(temporary, path) == 0 && sync_folder(path);
}

bool store_file_replace(const char *path, const char *text, char *why, size_t why_len)
{
    char *temporary = mem_printf("%s.new", path);
    bool ok = replace(path, temporary, text);

    if (!ok) {
        snprintf(why, why_len, "%s", strerror(errno));
        unlink(temporary);
    }
    free(temporary);
    return ok;
}

bool store_file_write(const char *path, const json_t *json, char *why, size_t why_len)
{
    char *bytes = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
    bool ok = bytes && store_file_replace(path, bytes, why, why_len);

    if (!bytes)
        snprintf(why, why_len, "not writable as JSON");
    free(bytes);
    return ok;
}
