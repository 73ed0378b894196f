#include "proto/field.h"

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
    ((3 * (unsigned)(len) + 27 * (unsigned)(first) + 11 * (unsigned)(last_but_one)) & 255)

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

/* Eight bytes with bit 5 set. */
static uint64_t load_lower(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word | 0x2020202020202020;
}

/* Known names consist of lower-case letters, digits and '-'. Among the bytes of tokens only their own upper
 * case differs from those in bit 5 alone, so setting that bit compares without case. */
static bool token_is(struct str token, struct str known_name)
{
    const char *a = token.p, *b = known_name.p;
    size_t len = token.len;

    if (len != known_name.len)
        return false;
    if (len < 8) {
        while (len > 0 && lower(a[len - 1]) == (unsigned char)b[len - 1])
            len--;
        return len == 0;
    }
    for (size_t i = 0; i + 8 < len; i += 8)
        if (load_lower(a + i) != load_lower(b + i))
            return false;
    return load_lower(a + len - 8) == load_lower(b + len - 8);
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

void field_set(struct field *field_r, struct str name, struct str value, bool alias)
{
    enum field_id id = field_id(name);

    *field_r = (struct field){
        .name = name,
        .value = value,
        .id = (uint8_t)id,
        .flags = (uint8_t)(known[id].flags | (alias ? FIELD_ALIAS : 0)),
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
