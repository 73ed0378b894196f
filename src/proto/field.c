#include "proto/field.h"

#include "proto/octet.h"

#define HOP        FIELD_HOP
#define FIXED      FIELD_FIXED
#define NO_TRAILER FIELD_NO_TRAILER

struct known {
    struct str name;
    uint8_t flags;
};

static const struct known known[FIELD_ID_LEN] = {
#define FIELD(id, name, first, last_but_one, flags) [FIELD_##id] = {{name, sizeof(name) - 1}, flags},
#include "proto/field.def"
#undef FIELD
};

/* The factors were searched so that no two known names share a slot; two initialisers of one slot do not
 * compile
 * (-Woverride-init). */
#define FIELD_SLOT(len, first, last_but_one)                                                                 \
    ((3 * (unsigned)(len) + 2 * (unsigned)(first) + 20 * (unsigned)(last_but_one)) & 255)

static const uint8_t slots[256] = {
#define FIELD(id, name, first, last_but_one, flags)                                                          \
    [FIELD_SLOT(sizeof(name) - 1, first, last_but_one)] = FIELD_##id,
#include "proto/field.def"
#undef FIELD
};

static unsigned lower(char c)
{
    return (unsigned char)c | 0x20U;
}

/* Known names consist of lower-case letters, digits and '-', and among tokens only their own upper case
 * differs from those in bit 5 alone; so setting the bit compares without case. */
static bool token_is(struct str token, struct str known_name)
{
    const uint64_t bit = 0x2020202020202020;
    size_t i = 0;

    if (token.len != known_name.len)
        return false;
    for (; i + 8 <= token.len; i += 8) {
        uint64_t a, b;

        memcpy(&a, token.p + i, 8);
        memcpy(&b, known_name.p + i, 8);
        if ((a | bit) != b)
            return false;
    }
    for (; i < token.len; i++)
        if (lower(token.p[i]) != (unsigned char)known_name.p[i])
            return false;
    return true;
}

enum field_id field_id(struct str name)
{
    enum field_id id;

    if (name.len < 2)
        return FIELD_OTHER;
    id = slots[FIELD_SLOT(name.len, lower(name.p[0]), lower(name.p[name.len - 2]))];
    return id != FIELD_OTHER && token_is(name, known[id].name) ? id : FIELD_OTHER;
}

struct str field_name(enum field_id id)
{
    return known[id].name;
}

uint8_t field_flags(enum field_id id)
{
    return known[id].flags;
}

void field_set(struct field *field_r, struct str name, struct str value, uint8_t classes)
{
    enum field_id id = field_id(name);
    uint8_t alias = classes & OCTET_ALIAS ? FIELD_ALIAS : 0;

    *field_r = (struct field){
        .name = name,
        .value = value,
        .id = (uint8_t)id,
        .flags = (uint8_t)(known[id].flags | alias),
    };
}

static char fold(char c)
{
    return c == '_' || c == '.' ? '-' : ascii_lower(c);
}

bool field_name_alike(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}
