#include "proto/h2_section.h"

#include "proto/octet.h"

enum { TEXT_MIN = 1024 };

static const struct str cookie_name = {"cookie", 6}, crumb_gap = {"; ", 2};

void h2_section_begin(struct h2_section *section, struct h2_mem *mem, const struct h1_limits *limits,
                      bool trailers)
{
    section->mem = mem;
    section->limits = limits;
    section->trailers = trailers;
    section->len = section->pieces_len = section->crumbs = 0;
    section->size = 0;
    section->error = H1_OK;
}

void h2_section_fini(struct h2_section *section)
{
    if (!section->mem)
        return;
    h2_mem_free(section->mem, section->text);
    h2_mem_free(section->mem, section->pieces);
    section->text = NULL;
    section->pieces = NULL;
    section->cap = section->len = section->pieces_len = 0;
}

static size_t fields_max(const struct h2_section *section)
{
    return section->trailers ? section->limits->trailer_fields : section->limits->fields;
}

static size_t size_max(const struct h2_section *section)
{
    return section->trailers ? section->limits->trailer : section->limits->head;
}

static bool make_room(struct h2_section *section, size_t len)
{
    size_t cap = section->cap ? section->cap : TEXT_MIN;
    char *text;

    if (!section->pieces) {
        section->pieces = h2_mem_alloc(section->mem, H2_SECTION_FIELDS_MAX * sizeof *section->pieces);
        if (!section->pieces)
            return false;
    }
    if (len <= section->cap - section->len)
        return true;
    while (cap - section->len < len)
        cap *= 2;
    text = h2_mem_resize(section->mem, section->text, cap);
    if (!text)
        return false;
    section->text = text;
    section->cap = cap;
    return true;
}

static void keep_text(struct h2_section *section, struct str s)
{
    if (s.len)
        memcpy(section->text + section->len, s.p, s.len);
    section->len += s.len;
}

static bool is_pseudo(struct str name)
{
    return name.len && name.p[0] == ':';
}

static void blame(struct h2_section *section, enum h1_error error)
{
    if (!section->error)
        section->error = error;
}

/* The library has checked these bytes already; the lines that are composed from them rely on it, so we look
 * ourselves (RFC 9113 section 10.3). */
static enum h1_error check_bytes(struct str name, struct str value, bool *alias_r)
{
    const char *end = name.p + name.len;

    *alias_r = false;
    if (!is_pseudo(name) && (name.len == 0 || octet_span(name.p, end, OCTET_TOKEN, alias_r) != end))
        return H1_FIELD_NAME;
    if (value.len && octet_find_control(value.p, value.p + value.len) != value.p + value.len)
        return H1_CONTROL;
    return H1_OK;
}

enum h2_error h2_section_add(struct h2_section *section, struct str name, struct str value)
{
    bool alias;
    enum h1_error error = check_bytes(name, value, &alias);

    section->size += name.len + value.len + H2_SECTION_FIELD_COST;
    if (section->size > size_max(section) * H2_SECTION_BOMB)
        return H2_FIELD_BOMB;
    if (section->size > size_max(section))
        blame(section, section->trailers ? H1_TRAILERS_TOO_LARGE : H1_HEAD_TOO_LARGE);
    if (error)
        blame(section, error);
    if (error || section->error == H1_HEAD_TOO_LARGE || section->error == H1_TRAILERS_TOO_LARGE)
        return H2_OK;
    if (section->pieces_len == H2_SECTION_FIELDS_MAX) {
        blame(section, section->trailers ? H1_TRAILERS_TOO_LARGE : H1_TOO_MANY_FIELDS);
        return H2_OK;
    }
    if (!make_room(section, name.len + value.len))
        return H2_MEMORY;
    keep_text(section, name);
    keep_text(section, value);
    section->pieces[section->pieces_len++] =
        (struct h2_piece){(uint32_t)name.len, (uint32_t)value.len, alias};
    section->crumbs += str_eq(name, cookie_name);
    return H2_OK;
}

/* ---- the block ---- */

static void set_pseudo(struct h2_pseudo *pseudo, struct str name, struct str value)
{
    static const struct {
        struct str name;
        size_t at;
    } known[] = {
        {{":method", 7}, offsetof(struct h2_pseudo, method)},
        {{":scheme", 7}, offsetof(struct h2_pseudo, scheme)},
        {{":authority", 10}, offsetof(struct h2_pseudo, authority)},
        {{":path", 5}, offsetof(struct h2_pseudo, path)},
        {{":protocol", 9}, offsetof(struct h2_pseudo, protocol)},
        {{":status", 7}, offsetof(struct h2_pseudo, status)},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(name, known[i].name))
            memcpy((char *)pseudo + known[i].at, &value, sizeof value);
}

/* Writes all crumbs behind the text that was kept, and gives the value that they make together. */
static struct str join_crumbs(const struct h2_section *section, const char *text, char *out)
{
    const char *at = text;
    size_t len = 0;

    for (size_t i = 0; i < section->pieces_len; i++) {
        const struct h2_piece *piece = &section->pieces[i];
        bool is_crumb = str_eq((struct str){at, piece->name}, cookie_name);

        at += piece->name;
        if (is_crumb && len) {
            memcpy(out + len, crumb_gap.p, crumb_gap.len);
            len += crumb_gap.len;
        }
        if (is_crumb && piece->value) {
            memcpy(out + len, at, piece->value);
            len += piece->value;
        }
        at += piece->value;
    }
    return (struct str){out, len};
}

/* Fields from `text`, which has what the pieces say. */
static void read_pieces(struct h2_section *section, struct h2_block *block, const char *text,
                        struct str cookie)
{
    const char *at = text;

    for (size_t i = 0; i < section->pieces_len; i++) {
        const struct h2_piece *piece = &section->pieces[i];
        struct str name = {at, piece->name}, value = {at + name.len, piece->value};
        bool is_crumb = str_eq(name, cookie_name);

        at += name.len + value.len;
        if (is_pseudo(name)) {
            set_pseudo(&block->pseudo, name, value);
            continue;
        }
        if (is_crumb && cookie.p) {
            if (head_find(&block->head, FIELD_COOKIE))
                continue;
            value = cookie;
        }
        if (block->head.len == fields_max(section) || !head_add(&block->head, name, value, piece->alias))
            blame(section, section->trailers ? H1_TRAILERS_TOO_LARGE : H1_TOO_MANY_FIELDS);
    }
}

struct h2_block *h2_section_finish(struct h2_section *section, enum h1_error *error_r)
{
    size_t fields = section->pieces_len < HEAD_FIELDS_MAX ? section->pieces_len : HEAD_FIELDS_MAX;
    bool joins = section->crumbs > 1;
    size_t joined = joins ? section->len + section->crumbs * crumb_gap.len : 0;
    size_t at = sizeof(struct h2_block) + fields * sizeof(struct field);
    struct h2_block *block = h2_mem_alloc(section->mem, at + section->len + joined);
    struct str cookie = STR_NULL;
    char *text;

    if (!block)
        return NULL;
    text = (char *)block + at;
    if (section->len)
        memcpy(text, section->text, section->len);
    block->pseudo = (struct h2_pseudo){.method = STR_NULL};
    head_init(&block->head, block->fields, fields);
    if (joins)
        cookie = join_crumbs(section, text, text + section->len);
    read_pieces(section, block, text, cookie);
    *error_r = section->error;
    return block;
}
