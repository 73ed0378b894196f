#include "conf/ram.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { PATH_LEN = 512, FILE_MAX = 8192 };

/* The beginning of a file, "" when there is none. */
static struct str read_file(const char *root, const char *folder, const char *name,
                            char block[static FILE_MAX])
{
    char path[PATH_LEN];
    FILE *file;
    size_t len;

    if (snprintf(path, sizeof path, "%s%s%s", root, folder, name) >= (int)sizeof path)
        return STR_NULL;
    file = fopen(path, "re");
    if (!file)
        return STR_NULL;
    len = fread(block, 1, FILE_MAX, file);
    fclose(file);
    return (struct str){block, len};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t of_machine(const char *root)
{
    char block[FILE_MAX];
    struct str rest = read_file(root, "/proc/meminfo", "", block), line, word;
    uint64_t kib;

    while (str_split(&rest, '\n', &line)) {
        if (!str_starts_with(line, STR("MemTotal:")) || !str_split(&line, ':', &word))
            continue;
        line = str_trim(line);
        if (str_split(&line, ' ', &word) && str_to_u64(word, &kib))
            return kib * 1024;
    }
    return UINT64_MAX;
}

/* A file with one number; "max" is none. */
static uint64_t of_file(const char *root, const char *folder, const char *name)
{
    char block[FILE_MAX];
    struct str rest = read_file(root, folder, name, block), line;
    uint64_t bytes;

    if (str_split(&rest, '\n', &line) && str_to_u64(line, &bytes))
        return bytes;
    return UINT64_MAX;
}

/* The limit of a group and of all above it. Within a container the path may be one outside, which is not
 * there: then the top is the container's own. */
static uint64_t of_group(const char *root, const char *top, struct str path, const char *name)
{
    char folder[PATH_LEN];
    uint64_t bytes = UINT64_MAX;

    for (;;) {
        if (snprintf(folder, sizeof folder, "%s%.*s/", top, STR_ARG(path)) < (int)sizeof folder)
            bytes = least(bytes, of_file(root, folder, name));
        if (path.len == 0)
            return bytes;
        while (path.len > 0 && path.p[path.len - 1] != '/')
            path.len--;
        path.len -= path.len > 0; /* the slash */
    }
}

static bool names_memory(struct str controllers)
{
    struct str word;

    while (str_split(&controllers, ',', &word))
        if (str_eq(word, STR("memory")))
            return true;
    return false;
}

/* Lines are ID:CONTROLLERS:PATH; version 2 has no controllers in its only one. */
static uint64_t of_groups(const char *root)
{
    char block[FILE_MAX];
    struct str rest = read_file(root, "/proc/self/cgroup", "", block), path, id, controllers;
    uint64_t bytes = UINT64_MAX;

    while (str_split(&rest, '\n', &path)) {
        if (!str_split(&path, ':', &id) || !str_split(&path, ':', &controllers))
            continue;
        if (!path.p || str_eq(path, STR("/")))
            path = STR("");
        if (controllers.len == 0)
            bytes = least(bytes, of_group(root, "/sys/fs/cgroup", path, "memory.max"));
        else if (names_memory(controllers))
            bytes = least(bytes, of_group(root, "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
    }
    return bytes;
}

uint64_t ram_usable(const char *root)
{
    return least(of_machine(root), of_groups(root));
}
