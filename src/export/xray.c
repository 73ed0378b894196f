#include "export/xray.h"

#include "export/otlp.h"

#include <string.h>

enum { TRIES_MAX = 64, NANOS = 9 };

/* ---- members of an object ---- */

static void begin_member(struct buf *out, struct str key)
{
    if (out->len && out->p[out->len - 1] != '{')
        buf_char(out, ',');
    buf_char(out, '"');
    buf_str_add(out, key);
    buf_lit(out, "\":");
}

/* A text without its quotes; an absent one leaves the member out. */
static void add_text(struct buf *out, struct str key, struct str text)
{
    if (text.len == 0)
        return;
    begin_member(out, key);
    buf_char(out, '"');
    buf_str_add(out, otlp_shortened(text, XRAY_TEXT_MAX));
    buf_char(out, '"');
}

static void add_field(struct buf *out, struct str key, const struct logread *read, enum logfield field)
{
    add_text(out, key, logread_text(read->at[field]));
}

/* A number as it stands in the line; absent and 0 leave it out. */
static void add_number(struct buf *out, struct str key, struct str digits)
{
    if (digits.len == 0 || str_eq(digits, STR("0")))
        return;
    begin_member(out, key);
    buf_str_add(out, digits);
}

/* ns as seconds. */
static void add_time(struct buf *out, struct str key, struct str ns)
{
    if (ns.len <= NANOS)
        return;
    begin_member(out, key);
    buf_add(out, ns.p, ns.len - NANOS);
    buf_char(out, '.');
    buf_add(out, ns.p + ns.len - NANOS, NANOS);
}

/* Letters, digits, blanks and some signs; others become '_'. */
static void add_name(struct buf *out, struct str name)
{
    static const char signs[] = " _.:/%&#=+-@";

    begin_member(out, STR("name"));
    buf_char(out, '"');
    if (name.len == 0)
        name = STR("penstock");
    for (size_t i = 0; i < name.len && i < XRAY_NAME_MAX; i++) {
        char c = name.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr(signs, c));

        buf_char(out, plain ? c : '_');
    }
    buf_char(out, '"');
}

/* ---- what segments have in common ---- */

/* error is the client's, throttle of them 429, fault the server's; no answer is a fault too. */
static void add_state(struct buf *out, struct str status)
{
    if (status.len != 3 || status.p[0] == '5')
        buf_lit(out, ",\"fault\":true");
    else if (status.p[0] == '4')
        buf_lit(out, ",\"error\":true");
    if (str_eq(status, STR("429")))
        buf_lit(out, ",\"throttle\":true");
}

static void add_annotations(struct buf *out, const struct logread *read, struct str outcome)
{
    begin_member(out, STR("annotations"));
    buf_char(out, '{');
    add_field(out, STR("platform"), read, LOGFIELD_PLATFORM);
    add_field(out, STR("route"), read, LOGFIELD_ROUTE);
    add_field(out, STR("group"), read, LOGFIELD_GROUP);
    add_field(out, STR("side"), read, LOGFIELD_SIDE);
    add_number(out, STR("weight"), read->at[LOGFIELD_WEIGHT]);
    add_text(out, STR("outcome"), outcome);
    add_field(out, STR("plan"), read, LOGFIELD_PLAN);
    add_number(out, STR("step"), read->at[LOGFIELD_STEP]);
    add_field(out, STR("synthetic"), read, LOGFIELD_SYNTHETIC);
    buf_char(out, '}');
}

static void add_http(struct buf *out, const struct logread *read, struct str status, bool server)
{
    begin_member(out, STR("http"));
    buf_lit(out, "{\"request\":{");
    add_field(out, STR("method"), read, LOGFIELD_METHOD);
    add_field(out, STR("url"), read, LOGFIELD_URL);
    if (server) {
        add_field(out, STR("user_agent"), read, LOGFIELD_USER_AGENT);
        add_field(out, STR("client_ip"), read, LOGFIELD_CLIENT_IP);
    }
    buf_lit(out, "},\"response\":{");
    add_number(out, STR("status"), status);
    buf_lit(out, "}}");
}

/* 32 hex digits as 1-8-24. */
static void add_trace(struct buf *out, const struct logread *read)
{
    struct str trace = logread_text(read->at[LOGFIELD_TRACE_ID]);

    begin_member(out, STR("trace_id"));
    buf_lit(out, "\"1-");
    buf_add(out, trace.p, 8);
    buf_char(out, '-');
    buf_add(out, trace.p + 8, 24);
    buf_char(out, '"');
}

/* Without the bracket at the end, where more may follow. */
static void add_try(struct buf *out, const struct logread *read, const struct otlp_try *try)
{
    buf_char(out, '{');
    add_name(out, logread_text(read->at[LOGFIELD_GROUP]));
    add_text(out, STR("id"), try->span);
    add_time(out, STR("start_time"), try->start);
    add_time(out, STR("end_time"), try->end);
    add_text(out, STR("namespace"), STR("remote"));
    add_http(out, read, try->status, false);
    add_state(out, try->status);
    add_annotations(out, read, try->outcome);
}

static void add_tries(struct buf *out, const struct logread *read, struct str tries)
{
    struct otlp_try try;
    unsigned n = 0;

    begin_member(out, STR("subsegments"));
    buf_char(out, '[');
    while (n < TRIES_MAX && otlp_next_try(&tries, &try)) {
        if (n++ > 0)
            buf_char(out, ',');
        add_try(out, read, &try);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void write_whole(const struct logread *read, const struct otlp_line *line, struct buf *out)
{
    char digits[24];
    struct buf end;

    buf_init(&end, digits, sizeof digits);
    if (!otlp_end(read, line, &end))
        return;
    buf_char(out, '{');
    add_name(out, logread_text(read->at[LOGFIELD_SERVICE]));
    add_field(out, STR("id"), read, LOGFIELD_SPAN_ID);
    add_trace(out, read);
    add_text(out, STR("parent_id"), line->parent);
    add_time(out, STR("start_time"), line->start);
    add_time(out, STR("end_time"), buf_str(&end));
    add_http(out, read, read->at[LOGFIELD_STATUS], true);
    add_state(out, read->at[LOGFIELD_STATUS]);
    add_annotations(out, read, logread_text(read->at[LOGFIELD_OUTCOME]));
    add_tries(out, read, line->tries);
    buf_char(out, '}');
}

static void write_part(const struct logread *read, const struct otlp_try *try, struct buf *out)
{
    add_try(out, read, try);
    add_text(out, STR("type"), STR("subsegment"));
    add_trace(out, read);
    add_field(out, STR("parent_id"), read, LOGFIELD_SPAN_ID);
    buf_char(out, '}');
}

bool xray_write(const struct logread *read, size_t *at, struct buf *out)
{
    bool whole = otlp_is_whole(read);
    struct otlp_line line;
    struct otlp_try try = {0};
    struct str rest;

    if (!otlp_read(read, &line) || logread_text(read->at[LOGFIELD_TRACE_ID]).len != 32)
        return false;
    rest = line.tries;
    if (whole && *at > 0)
        return false;
    for (size_t i = 0; !whole && i <= *at; i++)
        if (i == TRIES_MAX || !otlp_next_try(&rest, &try))
            return false;
    buf_lit(out, "{\"format\":\"json\",\"version\":1}\n");
    if (whole)
        write_whole(read, &line, out);
    else
        write_part(read, &try, out);
    ++*at;
    return true;
}

bool xray_address(struct str text, char address_r[static XRAY_ADDRESS_MAX])
{
    struct str word, found = STR_NULL;

    while (str_split(&text, ' ', &word)) {
        if (str_starts_with(word, STR("udp:")))
            found = (struct str){word.p + 4, word.len - 4};
        else if (!str_starts_with(word, STR("tcp:")) && word.len && !found.len)
            found = word;
    }
    if (found.len == 0 || found.len >= XRAY_ADDRESS_MAX || !memchr(found.p, ':', found.len))
        return false;
    memcpy(address_r, found.p, found.len);
    address_r[found.len] = '\0';
    return true;
}
