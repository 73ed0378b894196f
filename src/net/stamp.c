#include "net/stamp.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

static uint64_t mix(uint64_t stamp, uint64_t value)
{
    stamp = (stamp ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return stamp ^ stamp >> 29;
}

uint64_t stamp_of(const char *path, uint64_t before)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return mix(mix(before, 1), (uint64_t)errno);
    before = mix(mix(mix(before, 2), st.st_dev), st.st_ino);
    before = mix(mix(before, (uint64_t)st.st_size), (uint64_t)st.st_mtim.tv_sec);
    return mix(before, (uint64_t)st.st_mtim.tv_nsec);
}

void stamp_watch_tried(struct stamp_watch *watch, uint64_t stamp)
{
    watch->seen = watch->tried = stamp;
}

enum stamp_sight stamp_watch_look(struct stamp_watch *watch, uint64_t stamp)
{
    bool settled = stamp == watch->seen;

    watch->seen = stamp;
    if (stamp == watch->tried)
        return STAMP_SAME;
    return settled ? STAMP_SETTLED : STAMP_CHANGED;
}
