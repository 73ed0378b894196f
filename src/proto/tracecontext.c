#include "proto/tracecontext.h"

#include "proto/h1_write.h"
#include "proto/octet.h"

enum {
    STATE_MEMBERS_MAX = 32, /* of tracestate; with more it goes no further (W3C section 3.3.1.1) */
    STATE_KEY_MAX = 256,
    STATE_VALUE_MAX = 256,
    STATE_WRITTEN_MAX = 1024, /* a longer one goes on as it came */
    DD_MEMBER_MAX = 256,      /* of the member dd, key included */
    DD_TAGS_MAX = 512,        /* of x-datadog-tags */
    DD_ORIGIN_MAX = 128,      /* a longer one goes no further */
    XRAY_REST_MAX = 512,      /* of what others have in X-Amzn-Trace-Id; with more it begins anew */
};

/* The fields of the table of traceformat in a head. */
struct lines {
    struct str value[TRACEFORMAT_NAMES];
    bool seen[TRACEFORMAT_NAMES];
    bool twice[TRACEFORMAT_NAMES];
};

static enum traceformat_name name_of(const struct field *field)
{
    return field->id == FIELD_OTHER ? traceformat_name_from(field->name) : TRACEFORMAT_NAMES;
}

static void find_lines(const struct head *head, struct lines *lines_r)
{
    *lines_r = (struct lines){0};
    for (size_t i = 0; i < head->len; i++) {
        const struct field *field = &head->fields[i];
        enum traceformat_name name = name_of(field);

        if (name == TRACEFORMAT_NAMES || field->flags & (FIELD_HOP | FIELD_ALIAS))
            continue;
        lines_r->twice[name] = lines_r->seen[name];
        lines_r->seen[name] = true;
        lines_r->value[name] = field->value;
    }
}

/* The value of a name that is there exactly once, else nothing. */
static struct str line_of(const struct lines *lines, enum traceformat_name name)
{
    return lines->twice[name] ? STR_NULL : lines->value[name];
}

static struct str single(const struct head *head, enum field_id id)
{
    const struct field *field = head_find(head, id);

    return field && !head_next(head, field) && !(field->flags & FIELD_HOP) ? field->value : STR_NULL;
}

static struct str part(struct str s, size_t at, size_t len)
{
    return (struct str){s.p + at, len};
}

/* A number of exactly `len` (at most 16) hex digits; W3C has lower case only. */
static bool read_hex(struct str s, size_t len, bool lower, uint64_t *value_r)
{
    uint64_t value = 0;

    if (s.len != len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = octet_hex(s.p[i]);

        if (digit < 0 || (lower && s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
        value = value << 4 | (unsigned)digit;
    }
    *value_r = value;
    return true;
}

/* ---- W3C ---- */

/* A later version may have more behind another "-". */
static bool version_is_known(struct str s)
{
    uint64_t version;

    if (!read_hex(part(s, 0, 2), 2, true, &version) || version == 0xff)
        return false;
    return s.len == 55 || (version > 0 && s.p[55] == '-');
}

/* traceparent = version "-" 32 hex "-" 16 hex "-" 2 hex. */
static bool read_parent(struct str s, struct tracecontext *context)
{
    uint64_t flags;

    if (s.len < 55 || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-' || !version_is_known(s))
        return false;
    if (!read_hex(part(s, 3, 16), 16, true, &context->high) ||
        !read_hex(part(s, 19, 16), 16, true, &context->low) ||
        !read_hex(part(s, 36, 16), 16, true, &context->span) || !read_hex(part(s, 53, 2), 2, true, &flags))
        return false;
    context->sampled = flags & 1 ? TRACECONTEXT_YES : TRACECONTEXT_NO;
    context->random = flags & 2;
    return (context->high || context->low) && context->span;
}

bool tracecontext_parent_is_valid(struct str traceparent)
{
    struct tracecontext context;

    return read_parent(traceparent, &context);
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*' || c == '/' ||
           c == '@';
}

/* W3C level 2, section 3.3.1.3.1; the keys of level 1 are among them. */
static bool key_is_valid(struct str key)
{
    if (key.len == 0 || key.len > STATE_KEY_MAX || key.p[0] < '0' || key.p[0] == '@' || key.p[0] == '_')
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (!is_key_char(key.p[i]))
            return false;
    return true;
}

static bool member_is_valid(struct str member)
{
    struct str value = member, key;

    if (!str_split(&value, '=', &key) || !key_is_valid(key) || value.len == 0 || value.len > STATE_VALUE_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.p[i] < 0x20 || value.p[i] > 0x7e || value.p[i] == ',' || value.p[i] == '=')
            return false;
    return true;
}

/* What tracestate says. */
struct state {
    struct str dd; /* the value of the member dd; empty: there is none */
    size_t len;    /* of all members, with a comma behind each */
};

static bool read_member(struct str text, struct state *state)
{
    struct str member = str_trim(text);

    if (!member_is_valid(member))
        return false;
    state->len += member.len + 1;
    if (!state->dd.len && str_starts_with(member, STR("dd=")))
        state->dd = part(member, 3, member.len - 3);
    return true;
}

/* Whether there is a tracestate, and all of its lines together are well formed. */
static bool read_state(const struct head *head, struct state *state_r)
{
    size_t members = 0;

    *state_r = (struct state){0};
    for (const struct field *f = head_find(head, FIELD_TRACESTATE); f; f = head_next(head, f)) {
        struct str rest = f->value, text;

        if (f->flags & FIELD_HOP)
            return false;
        while (str_split(&rest, ',', &text)) {
            if (str_trim(text).len == 0)
                continue;
            if (++members > STATE_MEMBERS_MAX || !read_member(text, state_r))
                return false;
        }
    }
    return members > 0;
}

static bool read_w3c(const struct head *head, struct tracecontext *context)
{
    return read_parent(single(head, FIELD_TRACEPARENT), context);
}

/* ---- Datadog ---- */

/* The value of a tag in `tags`, which are separated by `separator` and split by `equals`; nothing if it is
 * not there. */
static struct str tag_value(struct str tags, char separator, char equals, struct str key)
{
    struct str tag, name;

    if (!tags.len)
        return STR_NULL;
    while (str_split(&tags, separator, &tag))
        if (str_split(&tag, equals, &name) && tag.p && str_eq(str_trim(name), key))
            return str_trim(tag);
    return STR_NULL;
}

static bool read_priority(struct str s, struct tracecontext *context)
{
    bool negative = s.len && s.p[0] == '-';
    uint64_t value;

    if (!str_to_u64(negative ? part(s, 1, s.len - 1) : s, &value) || value > 2 || (negative && value > 1))
        return false;
    context->has_priority = true;
    context->priority = (int8_t)(negative ? -(int8_t)value : (int8_t)value);
    return true;
}

static bool read_datadog(const struct lines *lines, struct tracecontext *context)
{
    struct str parent = line_of(lines, TRACEFORMAT_DD_PARENT), tags = line_of(lines, TRACEFORMAT_DD_TAGS);

    if (!str_to_u64(line_of(lines, TRACEFORMAT_DD_TRACE), &context->low) || context->low == 0 ||
        (parent.len && !str_to_u64(parent, &context->span)))
        return false;
    if (!read_hex(tag_value(tags, ',', '=', STR("_dd.p.tid")), 16, true, &context->high))
        context->high = 0;
    if (read_priority(line_of(lines, TRACEFORMAT_DD_PRIORITY), context))
        context->sampled = context->priority > 0 ? TRACECONTEXT_YES : TRACECONTEXT_NO;
    return true;
}

/* What the fields of Datadog add to a context of the same trace. */
static void add_datadog(const struct lines *lines, struct tracecontext *context)
{
    struct tracecontext theirs = {0};
    struct str origin = line_of(lines, TRACEFORMAT_DD_ORIGIN), tags = line_of(lines, TRACEFORMAT_DD_TAGS);

    if (!read_datadog(lines, &theirs) || theirs.low != context->low)
        return;
    if (origin.len <= DD_ORIGIN_MAX)
        context->origin = origin;
    if (tags.len <= DD_TAGS_MAX)
        context->tags = tags;
    if (!context->has_priority && theirs.has_priority) {
        context->has_priority = true;
        context->priority = theirs.priority;
    }
}

/* The same from the member dd. */
static void add_member(struct str dd, struct tracecontext *context)
{
    struct str origin = tag_value(dd, ';', ':', STR("o"));

    if (!context->origin.len && origin.len <= DD_ORIGIN_MAX) {
        context->origin = origin;
        context->state_origin = true;
    }
    if (!context->tags.len)
        context->state_tags = dd;
    if (!context->has_priority)
        read_priority(tag_value(dd, ';', ':', STR("s")), context);
}

/* ---- X-Ray ---- */

enum xray_part { XRAY_ROOT, XRAY_PARENT, XRAY_SAMPLED, XRAY_OTHER };

/* One part of X-Amzn-Trace-Id, which are "name=value". */
static enum xray_part xray_part(struct str text, struct str *value_r)
{
    static const struct str own[] = {
        [XRAY_ROOT] = {"Root", 4}, [XRAY_PARENT] = {"Parent", 6}, [XRAY_SAMPLED] = {"Sampled", 7}};
    struct str name;

    *value_r = text;
    if (!str_split(value_r, '=', &name) || !value_r->p)
        return XRAY_OTHER;
    *value_r = str_trim(*value_r);
    for (unsigned i = XRAY_ROOT; i < XRAY_OTHER; i++)
        if (str_eq_nocase(str_trim(name), own[i]))
            return (enum xray_part)i;
    return XRAY_OTHER;
}

/* Root is "1-" 8 hex "-" 24 hex, which is the trace of the W3C with a mark in it. */
static bool read_root(struct str root, struct tracecontext *context)
{
    uint64_t time, middle;

    if (root.len != 35 || root.p[0] != '1' || root.p[1] != '-' || root.p[10] != '-')
        return false;
    if (!read_hex(part(root, 2, 8), 8, false, &time) || !read_hex(part(root, 11, 8), 8, false, &middle) ||
        !read_hex(part(root, 19, 16), 16, false, &context->low))
        return false;
    context->high = time << 32 | middle;
    return context->high || context->low;
}

static bool read_xray(struct str rest, struct tracecontext *context)
{
    struct str text, value;
    bool rooted = false;

    if (!rest.len)
        return false;
    while (str_split(&rest, ';', &text)) {
        switch (xray_part(str_trim(text), &value)) {
        case XRAY_ROOT:
            if (rooted || !read_root(value, context))
                return false;
            rooted = true;
            break;
        case XRAY_PARENT:
            if (!read_hex(value, 16, false, &context->span))
                return false;
            break;
        case XRAY_SAMPLED:
            if (str_eq(value, STR("1")))
                context->sampled = TRACECONTEXT_YES;
            else if (str_eq(value, STR("0")))
                context->sampled = TRACECONTEXT_NO;
            break;
        case XRAY_OTHER:
            break;
        }
    }
    return rooted;
}

/* ---- B3 ---- */

/* A trace of 32 hex digits, or 16 of older systems. */
static bool read_b3_trace(struct str s, struct tracecontext *context)
{
    context->high = 0;
    if (s.len == 32 && !read_hex(part(s, 0, 16), 16, false, &context->high))
        return false;
    if (!read_hex(s.len == 32 ? part(s, 16, 16) : s, 16, false, &context->low))
        return false;
    return context->high || context->low;
}

static bool read_b3_flag(struct str flag, struct tracecontext *context)
{
    context->debug = str_eq(flag, STR("d"));
    if (context->debug || str_eq(flag, STR("1")) || str_eq_nocase(flag, STR("true")))
        context->sampled = TRACECONTEXT_YES;
    else if (str_eq(flag, STR("0")) || str_eq_nocase(flag, STR("false")))
        context->sampled = TRACECONTEXT_NO;
    else
        return false;
    return true;
}

/* trace "-" span ["-" flag ["-" parent]], or a flag alone, which says no more than what is wished. */
static bool read_b3(struct str s, struct tracecontext *context)
{
    struct str trace, span, flag, parent;
    uint64_t unused;

    if (!s.len)
        return false;
    if (s.len == 1 && read_b3_flag(s, context))
        return false;
    if (!str_split(&s, '-', &trace) || !str_split(&s, '-', &span) || !read_b3_trace(trace, context) ||
        !read_hex(span, 16, false, &context->span) || context->span == 0)
        return false;
    if (!str_split(&s, '-', &flag))
        return true;
    if (!read_b3_flag(flag, context))
        return false;
    return !str_split(&s, '-', &parent) || (read_hex(parent, 16, false, &unused) && !s.p);
}

static bool read_b3multi(const struct lines *lines, struct tracecontext *context)
{
    struct str sampled = line_of(lines, TRACEFORMAT_B3_SAMPLED);

    if (sampled.len && !read_b3_flag(sampled, context))
        return false;
    if (str_eq(line_of(lines, TRACEFORMAT_B3_FLAGS), STR("1"))) {
        context->debug = true;
        context->sampled = TRACECONTEXT_YES;
    }
    return read_b3_trace(line_of(lines, TRACEFORMAT_B3_TRACE), context) &&
           read_hex(line_of(lines, TRACEFORMAT_B3_SPAN), 16, false, &context->span) && context->span;
}

/* ---- all of them ---- */

static bool read_format(const struct head *head, const struct lines *lines, enum traceformat format,
                        struct tracecontext *context)
{
    switch (format) {
    case TRACEFORMAT_W3C:
        return read_w3c(head, context);
    case TRACEFORMAT_DATADOG:
        return read_datadog(lines, context);
    case TRACEFORMAT_XRAY:
        return read_xray(single(head, FIELD_X_AMZN_TRACE_ID), context);
    case TRACEFORMAT_B3:
        return read_b3(single(head, FIELD_B3), context);
    case TRACEFORMAT_B3MULTI:
        return read_b3multi(lines, context);
    case TRACEFORMAT_LEN:
        break;
    }
    BUG("format %d", (int)format);
}

static uint8_t formats_there(const struct head *head, const struct lines *lines)
{
    unsigned came = 0;

    if (head_find(head, FIELD_TRACEPARENT))
        came |= TRACEFORMAT_BIT(TRACEFORMAT_W3C);
    if (lines->seen[TRACEFORMAT_DD_TRACE])
        came |= TRACEFORMAT_BIT(TRACEFORMAT_DATADOG);
    if (head_find(head, FIELD_X_AMZN_TRACE_ID))
        came |= TRACEFORMAT_BIT(TRACEFORMAT_XRAY);
    if (head_find(head, FIELD_B3))
        came |= TRACEFORMAT_BIT(TRACEFORMAT_B3);
    if (lines->seen[TRACEFORMAT_B3_TRACE] || lines->seen[TRACEFORMAT_B3_SAMPLED] ||
        lines->seen[TRACEFORMAT_B3_FLAGS])
        came |= TRACEFORMAT_BIT(TRACEFORMAT_B3MULTI);
    return (uint8_t)came;
}

/* What the other formats know of the same trace: all of its id, where Datadog had the lower half alone, the
 * state of the W3C, what belongs to Datadog. */
static void add_others(const struct head *head, const struct lines *lines, struct tracecontext *context)
{
    struct tracecontext w3c = {0};
    struct state state = {0};

    if (read_w3c(head, &w3c) && w3c.low == context->low &&
        (context->high == w3c.high || context->high == 0)) {
        context->high = w3c.high;
        context->random = w3c.random;
        context->keeps_state = read_state(head, &state);
        context->state = state.len <= STATE_WRITTEN_MAX ? head : NULL;
    }
    add_datadog(lines, context);
    if (context->keeps_state)
        add_member(state.dd, context);
}

/* A decision that the format in force has not made is asked of Datadog; what both say must agree. */
static void settle_priority(struct tracecontext *context)
{
    if (!context->has_priority)
        return;
    if (context->sampled == TRACECONTEXT_OPEN)
        context->sampled = context->priority > 0 ? TRACECONTEXT_YES : TRACECONTEXT_NO;
    else if ((context->sampled == TRACECONTEXT_YES) != (context->priority > 0))
        context->priority = context->sampled == TRACECONTEXT_YES;
}

bool tracecontext_read(const struct head *head, const enum traceformat *order, size_t len,
                       struct tracecontext *context_r)
{
    enum tracecontext_sampled wish = TRACECONTEXT_OPEN;
    struct lines lines;
    bool found = false;

    find_lines(head, &lines);
    for (size_t i = 0; i < len && !found; i++) {
        *context_r = (struct tracecontext){0};
        found = read_format(head, &lines, order[i], context_r);
        if (!found && wish == TRACECONTEXT_OPEN && context_r->low == 0 &&
            (order[i] == TRACEFORMAT_B3 || order[i] == TRACEFORMAT_B3MULTI))
            wish = context_r->sampled;
    }
    if (!found)
        *context_r = (struct tracecontext){.sampled = wish};
    context_r->came = formats_there(head, &lines);
    context_r->xray = single(head, FIELD_X_AMZN_TRACE_ID);
    if (found) {
        add_others(head, &lines, context_r);
        settle_priority(context_r);
    }
    return found;
}

void tracecontext_drop(struct head *head, const struct tracecontext *context, bool baggage)
{
    static const enum field_id known[] = {FIELD_TRACEPARENT, FIELD_X_AMZN_TRACE_ID, FIELD_B3};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        head_drop(head, known[i]);
    if (!context->keeps_state || context->state)
        head_drop(head, FIELD_TRACESTATE);
    if (baggage)
        head_drop(head, FIELD_BAGGAGE);
    for (size_t i = 0; i < head->len; i++)
        if (name_of(&head->fields[i]) != TRACEFORMAT_NAMES)
            head->fields[i].flags |= FIELD_HOP;
}

/* ---- writing ---- */

static int priority_of(const struct tracecontext *context)
{
    if (context->has_priority)
        return context->priority;
    return context->debug ? 2 : context->sampled == TRACECONTEXT_YES;
}

/* A text of Datadog's fields as the member dd has it: '=' becomes '~', what may not stand there '_'. */
static void write_folded(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];

        if (c == '=')
            c = '~';
        else if (c < 0x20 || c > 0x7e || c == ',' || c == ';' || c == '~')
            c = '_';
        buf_char(buf, c);
    }
}

/* And back. */
static void write_unfolded(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_char(buf, text.p[i] == '~' ? '=' : text.p[i]);
}

/* Adds what `piece` has, whole or not at all. */
static void add_piece(struct buf *buf, const struct buf *piece)
{
    if (!piece->full && piece->len <= buf->cap - buf->len)
        buf_str_add(buf, buf_str(piece));
}

static const struct str tag_prefix = {"_dd.p.", 6};

/* The tags of x-datadog-tags as the member has them. */
static void write_member_tags(struct buf *member, struct str tags)
{
    struct str tag, name;

    while (tags.len && str_split(&tags, ',', &tag)) {
        char block[DD_MEMBER_MAX];
        struct buf piece;

        if (!str_split(&tag, '=', &name) || !tag.p)
            continue;
        name = str_trim(name);
        if (!str_starts_with(name, tag_prefix) || str_eq(name, STR("_dd.p.tid")))
            continue;
        buf_init(&piece, block, sizeof block);
        buf_lit(&piece, ";t.");
        write_folded(&piece, part(name, tag_prefix.len, name.len - tag_prefix.len));
        buf_char(&piece, ':');
        write_folded(&piece, str_trim(tag));
        add_piece(member, &piece);
    }
}

/* tracestate for a trace that came in Datadog's fields: nobody else has a state of it. */
static void write_member(struct buf *buf, const struct tracecontext *context, uint64_t span)
{
    char block[DD_MEMBER_MAX];
    struct buf member;

    buf_init(&member, block, sizeof block);
    buf_lit(&member, "dd=s:");
    buf_i64(&member, priority_of(context));
    buf_lit(&member, ";p:");
    buf_hex(&member, span, 16);
    if (context->origin.len) {
        buf_lit(&member, ";o:");
        write_folded(&member, context->origin);
    }
    write_member_tags(&member, context->tags);
    h1_write_field(buf, STR("tracestate"), buf_str(&member));
}

/* The members that came, in one line and without the blanks between them, which not every reader expects. */
static void write_state(struct buf *buf, const struct head *head)
{
    const char *separator = "tracestate: ";

    for (const struct field *f = head_find(head, FIELD_TRACESTATE); f; f = head_next(head, f)) {
        struct str rest = f->value, text;

        while (str_split(&rest, ',', &text)) {
            text = str_trim(text);
            if (text.len == 0)
                continue;
            buf_str_add(buf, str_from(separator));
            buf_str_add(buf, text);
            separator = ",";
        }
    }
    buf_lit(buf, "\r\n");
}

static void write_w3c(struct buf *buf, const struct tracecontext *context, uint64_t span)
{
    unsigned flags = (context->sampled == TRACECONTEXT_YES ? 1U : 0) | (context->random ? 2U : 0);

    buf_lit(buf, "traceparent: 00-");
    buf_hex(buf, context->high, 16);
    buf_hex(buf, context->low, 16);
    buf_char(buf, '-');
    buf_hex(buf, span, 16);
    buf_char(buf, '-');
    buf_hex(buf, flags, 2);
    buf_lit(buf, "\r\n");
    if (context->keeps_state && context->state)
        write_state(buf, context->state);
    else if (!context->keeps_state && (context->tags.len || context->origin.len || context->has_priority))
        write_member(buf, context, span);
}

/* The tags that the fields or the member had, behind the upper half of the trace. */
static void write_tags(struct buf *tags, const struct tracecontext *context)
{
    char separator = context->tags.len ? ',' : ';', equals = context->tags.len ? '=' : ':';
    struct str rest = context->tags.len ? context->tags : context->state_tags, tag, name;

    if (context->high) {
        buf_lit(tags, "_dd.p.tid=");
        buf_hex(tags, context->high, 16);
    }
    while (rest.len && str_split(&rest, separator, &tag)) {
        char block[DD_TAGS_MAX];
        struct buf piece;
        struct str prefix = context->tags.len ? tag_prefix : STR("t.");

        if (!str_split(&tag, equals, &name) || !tag.p)
            continue;
        name = str_trim(name);
        if (!str_starts_with(name, prefix) ||
            str_eq(part(name, prefix.len, name.len - prefix.len), STR("tid")))
            continue;
        buf_init(&piece, block, sizeof block);
        buf_str_add(&piece, tags->len ? STR(",") : STR_NULL);
        buf_str_add(&piece, tag_prefix);
        buf_str_add(&piece, part(name, prefix.len, name.len - prefix.len));
        buf_char(&piece, '=');
        if (context->tags.len)
            buf_str_add(&piece, str_trim(tag));
        else
            write_unfolded(&piece, str_trim(tag));
        add_piece(tags, &piece);
    }
}

static void write_datadog(struct buf *buf, const struct tracecontext *context, uint64_t span)
{
    char block[DD_TAGS_MAX];
    struct buf tags;

    h1_write_number(buf, traceformat_name(TRACEFORMAT_DD_TRACE), context->low);
    h1_write_number(buf, traceformat_name(TRACEFORMAT_DD_PARENT), span);
    buf_str_add(buf, traceformat_name(TRACEFORMAT_DD_PRIORITY));
    buf_lit(buf, ": ");
    buf_i64(buf, priority_of(context));
    buf_lit(buf, "\r\n");
    if (context->origin.len) {
        buf_str_add(buf, traceformat_name(TRACEFORMAT_DD_ORIGIN));
        buf_lit(buf, ": ");
        if (context->state_origin)
            write_unfolded(buf, context->origin);
        else
            buf_str_add(buf, context->origin);
        buf_lit(buf, "\r\n");
    }
    buf_init(&tags, block, sizeof block);
    write_tags(&tags, context);
    if (tags.len)
        h1_write_field(buf, traceformat_name(TRACEFORMAT_DD_TAGS), buf_str(&tags));
}

static void write_xray(struct buf *buf, const struct tracecontext *context, uint64_t span)
{
    struct str rest = context->xray, text, value;

    buf_lit(buf, "X-Amzn-Trace-Id: Root=1-");
    buf_hex(buf, context->high >> 32, 8);
    buf_char(buf, '-');
    buf_hex(buf, context->high & UINT32_MAX, 8);
    buf_hex(buf, context->low, 16);
    buf_lit(buf, ";Parent=");
    buf_hex(buf, span, 16);
    buf_str_add(buf, context->sampled == TRACECONTEXT_YES ? STR(";Sampled=1") : STR(";Sampled=0"));
    while (rest.len && context->xray.len <= XRAY_REST_MAX && str_split(&rest, ';', &text)) {
        text = str_trim(text);
        if (text.len == 0 || xray_part(text, &value) != XRAY_OTHER)
            continue;
        buf_char(buf, ';');
        buf_str_add(buf, text);
    }
    buf_lit(buf, "\r\n");
}

static struct str b3_flag(const struct tracecontext *context)
{
    if (context->debug)
        return STR("d");
    return context->sampled == TRACECONTEXT_YES ? STR("1") : STR("0");
}

static void write_b3(struct buf *buf, const struct tracecontext *context, uint64_t span)
{
    buf_lit(buf, "b3: ");
    buf_hex(buf, context->high, 16);
    buf_hex(buf, context->low, 16);
    buf_char(buf, '-');
    buf_hex(buf, span, 16);
    buf_char(buf, '-');
    buf_str_add(buf, b3_flag(context));
    buf_lit(buf, "\r\n");
}

static void write_b3multi(struct buf *buf, const struct tracecontext *context, uint64_t span)
{
    buf_lit(buf, "X-B3-TraceId: ");
    buf_hex(buf, context->high, 16);
    buf_hex(buf, context->low, 16);
    buf_lit(buf, "\r\nX-B3-SpanId: ");
    buf_hex(buf, span, 16);
    if (context->debug)
        buf_lit(buf, "\r\nX-B3-Flags: 1\r\n"); /* says sampled too */
    else
        buf_str_add(buf, context->sampled == TRACECONTEXT_YES ? STR("\r\nX-B3-Sampled: 1\r\n")
                                                              : STR("\r\nX-B3-Sampled: 0\r\n"));
}

void tracecontext_write(struct buf *buf, const struct tracecontext *context, uint64_t span, unsigned formats)
{
    static void (*const write[TRACEFORMAT_LEN])(struct buf *, const struct tracecontext *, uint64_t) = {
        [TRACEFORMAT_W3C] = write_w3c, [TRACEFORMAT_DATADOG] = write_datadog, [TRACEFORMAT_XRAY] = write_xray,
        [TRACEFORMAT_B3] = write_b3,   [TRACEFORMAT_B3MULTI] = write_b3multi,
    };

    for (unsigned i = 0; i < TRACEFORMAT_LEN; i++)
        if (formats & TRACEFORMAT_BIT(i))
            write[i](buf, context, span);
}
