#include "conf/zone.h"

#include "base/mem.h"
#include "conf/input.h"

#include <stdlib.h>
#include <string.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { ZONE_BYTES_MAX = 64 << 10 }; /* the largest of the database has 4 KiB */

/* No part is empty, and without '.' none can be `..`. */
static bool is_zone_name(struct str name)
{
    struct str rest = name, part;

    if (name.len == 0 || name.len >= ZONE_NAME_MAX)
        return false;
    while (str_split(&rest, '/', &part)) {
        if (part.len == 0)
            return false;
        for (size_t i = 0; i < part.len; i++) {
            char c = part.p[i];

            if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '+' || c == '-'))
                return false;
        }
    }
    return true;
}

bool zone_load(struct plan *plan, struct str name, char **why_r)
{
    char text[ZONE_NAME_MAX], *path, *bytes, *why = NULL;
    const char *reason;
    size_t len;
    bool ok;

    if (!is_zone_name(name)) {
        *why_r = mem_strdup("is no time zone; write an IANA name, such as Asia/Tokyo or UTC");
        return false;
    }
    memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    if (plan_zone(plan, text))
        return true;
    path = mem_printf("%s/%s", ZONE_FOLDER, text);
    bytes = input_read(path, ZONE_BYTES_MAX, &len, &why);
    free(path);
    if (!bytes) {
        *why_r = mem_printf("is no time zone in " ZONE_FOLDER
                            " (%s); write an IANA name, or install the package tzdata",
                            why);
        free(why);
        return false;
    }
    ok = plan_zone_add(plan, name, (struct str){bytes, len}, &reason);
    if (!ok)
        *why_r = mem_printf("cannot be used: %s", reason);
    free(bytes);
    return ok;
}
