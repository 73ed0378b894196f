#include "export/logplain.h"

#include "base/clk.h"
#include "decide/trace.h"

/* ---- texts ---- */

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c != '"' && c != '\\' && c != 0x7f;
}

static void hex_add(unsigned char c, struct buf *out)
{
    buf_lit(out, "\\x");
    buf_hex(out, c, 2);
}

void logplain_text(struct str text, struct buf *out)
{
    const char *p = text.p, *end = text.p + text.len;

    while (p < end) {
        const char *run = p;

        while (p < end && is_plain((unsigned char)*p))
            p++;
        buf_add(out, run, (size_t)(p - run));
        if (p == end)
            break;
        if (*p == '\\') { /* an escape of JSON, whole */
            size_t len = end - p >= 6 && p[1] == 'u' ? 6 : end - p >= 2 ? 2 : 1;
            char byte[8];
            struct buf one;

            buf_init(&one, byte, sizeof byte);
            logread_decode((struct str){p, len}, &one);
            for (size_t i = 0; i < one.len; i++)
                hex_add((unsigned char)byte[i], out);
            p += len;
        } else {
            hex_add((unsigned char)*p, out);
            p++;
        }
    }
}

/* A field, or '-' without one. */
static void word_add(const struct logread *read, enum logfield field, struct buf *out)
{
    struct str text = logread_text(read->at[field]);

    if (text.len)
        logplain_text(text, out);
    else
        buf_char(out, '-');
}

static void quoted_add(const struct logread *read, enum logfield field, struct buf *out)
{
    buf_lit(out, " \"");
    word_add(read, field, out);
    buf_char(out, '"');
}

static uint64_t number_of(const struct logread *read, enum logfield field)
{
    uint64_t value;

    return str_to_u64(read->at[field], &value) ? value : 0;
}

static bool is_text(const struct logread *read, enum logfield field, struct str text)
{
    return str_eq(logread_text(read->at[field]), text);
}

/* ---- alb ---- */

static void micro_time(int64_t wall_ns, struct buf *out)
{
    char text[CLK_TEXT_LEN];

    clk_text(wall_ns, text);
    buf_add(out, text, CLK_TEXT_LEN - 1);
    buf_lit(out, "000Z");
}

static bool is_upgraded(const struct logread *read)
{
    return is_text(read, LOGFIELD_OUTCOME, STR("upgraded"));
}

static bool is_h2(const struct logread *read)
{
    return str_starts_with(logread_text(read->at[LOGFIELD_HTTP_VERSION]), STR("2"));
}

static void alb_type(const struct logread *read, struct buf *out)
{
    bool secure = str_eq(read->at[LOGFIELD_URL_SCHEME], STR("https"));

    if (is_upgraded(read))
        buf_str_add(out, secure ? STR("wss") : STR("ws"));
    else if (is_h2(read))
        buf_lit(out, "h2");
    else
        buf_str_add(out, secure ? STR("https") : STR("http"));
}

/* Sixteen hex digits that a text always has again. */
static void id_add(struct str text, struct buf *out)
{
    buf_hex(out, trace_key(text), 16);
}

/* A target had been found, and it may have got something. */
static bool was_dispatched(const struct logread *read)
{
    return read->at[LOGFIELD_TARGET].len > 0 && number_of(read, LOGFIELD_ATTEMPTS) > 0;
}

static void alb_times(const struct logread *read, struct buf *out)
{
    uint64_t before = number_of(read, LOGFIELD_HEAD_NS) + number_of(read, LOGFIELD_QUEUE_NS) +
                      number_of(read, LOGFIELD_CONNECT_NS);

    if (!was_dispatched(read)) {
        buf_lit(out, " -1 -1 -1");
        return;
    }
    buf_char(out, ' ');
    buf_fixed(out, before / NS_PER_MS, 3);
    buf_char(out, ' ');
    buf_fixed(out, number_of(read, LOGFIELD_FIRST_BYTE_NS) / NS_PER_MS, 3);
    buf_char(out, ' ');
    buf_fixed(out, number_of(read, LOGFIELD_BODY_NS) / NS_PER_MS, 3);
}

/* The status of the target, or '-' when it did not answer. */
static void target_status(const struct logread *read, struct buf *out)
{
    if (number_of(read, LOGFIELD_TARGET_STATUS))
        buf_str_add(out, read->at[LOGFIELD_TARGET_STATUS]);
    else
        buf_char(out, '-');
}

/* The client, its target, and how it went. */
static void alb_traffic(const struct logread *read, struct buf *out)
{
    struct str ip = logread_text(read->at[LOGFIELD_CLIENT_IP]);
    bool v6 = ip.len && memchr(ip.p, ':', ip.len) != NULL;

    buf_str_add(out, v6 ? STR(" [") : STR(" "));
    word_add(read, LOGFIELD_CLIENT_IP, out);
    buf_str_add(out, v6 ? STR("]:") : STR(":"));
    buf_u64(out, number_of(read, LOGFIELD_CLIENT_PORT));
    buf_char(out, ' ');
    if (was_dispatched(read))
        word_add(read, LOGFIELD_TARGET, out);
    else
        buf_char(out, '-');
    alb_times(read, out);
    buf_char(out, ' ');
    buf_u64(out, number_of(read, LOGFIELD_STATUS));
    buf_char(out, ' ');
    target_status(read, out);
    buf_char(out, ' ');
    buf_u64(out, number_of(read, LOGFIELD_BYTES_READ));
    buf_char(out, ' ');
    buf_u64(out, number_of(read, LOGFIELD_BYTES_WRITTEN));
}

/* The URL has a port, also where it is the one of its scheme. */
static void alb_url(const struct logread *read, struct buf *out)
{
    struct str scheme = read->at[LOGFIELD_URL_SCHEME], authority = read->at[LOGFIELD_URL_AUTHORITY];
    const char *colon = authority.len ? memrchr(authority.p, ':', authority.len) : NULL;
    bool has_port = colon && !memchr(colon, ']', authority.len - (size_t)(colon - authority.p));

    buf_str_add(out, scheme);
    buf_lit(out, "://");
    logplain_text(authority, out);
    if (!has_port)
        buf_str_add(out, str_eq(scheme, STR("https")) ? STR(":443") : STR(":80"));
    logplain_text(read->at[LOGFIELD_URL_PATH], out);
    if (read->at[LOGFIELD_URL_QUERY].len) {
        buf_char(out, '?');
        logplain_text(read->at[LOGFIELD_URL_QUERY], out);
    }
}

static void alb_request(const struct logread *read, struct buf *out)
{
    if (read->at[LOGFIELD_METHOD].len == 0) {
        buf_lit(out, " \"- - -\"");
        return;
    }
    buf_lit(out, " \"");
    word_add(read, LOGFIELD_METHOD, out);
    buf_char(out, ' ');
    alb_url(read, out);
    buf_lit(out, " HTTP/");
    word_add(read, LOGFIELD_HTTP_VERSION, out);
    buf_char(out, '"');
}

/* X-Amzn-Trace-Id as it came, where it is logged; else our trace id in its form. */
static void alb_trace(const struct logread *read, struct buf *out)
{
    struct str headers = read->at[LOGFIELD_REQUEST_HEADERS], name, value;
    struct str trace = logread_text(read->at[LOGFIELD_TRACE_ID]);

    while (logread_member(&headers, &name, &value)) {
        if (!str_eq(name, STR("x-amzn-trace-id")))
            continue;
        logplain_text(logread_text(value), out);
        return;
    }
    if (trace.len != 32) {
        buf_char(out, '-');
        return;
    }
    buf_lit(out, "Root=1-");
    buf_add(out, trace.p, 8);
    buf_char(out, '-');
    buf_add(out, trace.p + 8, 24);
}

static void alb_action(const struct logread *read, struct buf *out)
{
    bool redirect = number_of(read, LOGFIELD_STATUS) / 100 == 3;

    if (read->at[LOGFIELD_GROUP].len)
        buf_lit(out, "forward");
    else if (is_text(read, LOGFIELD_OUTCOME, STR("answered")))
        buf_str_add(out, redirect ? STR("redirect") : STR("fixed-response"));
    else
        buf_char(out, '-');
}

/* 17 to 23: who it was for, and what was done with it. */
static void alb_routing(const struct logread *read, int64_t wall_ns, struct buf *out)
{
    buf_char(out, ' ');
    word_add(read, LOGFIELD_GROUP, out);
    buf_lit(out, " \"");
    alb_trace(read, out);
    buf_char(out, '"');
    quoted_add(read, LOGFIELD_TLS_NAME, out);
    buf_lit(out, " \"");
    buf_str_add(out, is_text(read, LOGFIELD_TLS_SESSION, STR("resumed")) ? STR("session-reused") : STR("-"));
    buf_lit(out, "\" 0 ");
    micro_time(wall_ns, out);
    buf_lit(out, " \"");
    alb_action(read, out);
    buf_char(out, '"');
}

/* 24 to 30. A connection is known by the client's address and port. */
static void alb_end(const struct logread *read, struct buf *out)
{
    buf_lit(out, " \"-\" \"-\" \"");
    if (was_dispatched(read))
        word_add(read, LOGFIELD_TARGET, out);
    else
        buf_char(out, '-');
    buf_lit(out, "\" \"");
    target_status(read, out);
    buf_lit(out, "\" \"-\" \"-\" TID_");
    id_add(read->at[LOGFIELD_CLIENT_IP], out);
    buf_hex(out, number_of(read, LOGFIELD_CLIENT_PORT), 16);
}

void logplain_alb(const struct logread *read, struct buf *out)
{
    int64_t wall_ns = logread_wall_ns(read);

    alb_type(read, out);
    buf_char(out, ' ');
    micro_time(wall_ns + (int64_t)number_of(read, LOGFIELD_DURATION), out);
    buf_lit(out, " app/penstock/");
    id_add(read->at[LOGFIELD_HOST], out);
    alb_traffic(read, out);
    alb_request(read, out);
    quoted_add(read, LOGFIELD_USER_AGENT, out);
    buf_char(out, ' ');
    word_add(read, LOGFIELD_TLS_CIPHER, out);
    buf_str_add(out, read->at[LOGFIELD_TLS_VERSION].len ? STR(" TLSv") : STR(" "));
    word_add(read, LOGFIELD_TLS_VERSION, out);
    alb_routing(read, wall_ns, out);
    alb_end(read, out);
    buf_char(out, '\n');
}

/* ---- combined ---- */

/* "21/Nov/2026:06:00:00 +0000". */
static void clf_time(int64_t wall_ns, struct buf *out)
{
    char text[CLK_HTTP_LEN]; /* "Sat, 21 Nov 2026 06:00:00 GMT" */

    clk_http_date(wall_ns, text);
    buf_add(out, text + 5, 2);
    buf_char(out, '/');
    buf_add(out, text + 8, 3);
    buf_char(out, '/');
    buf_add(out, text + 12, 4);
    buf_char(out, ':');
    buf_add(out, text + 17, 8);
    buf_lit(out, " +0000");
}

static void combined_request(const struct logread *read, struct buf *out)
{
    buf_lit(out, "] \"");
    word_add(read, LOGFIELD_METHOD, out);
    buf_char(out, ' ');
    if (read->at[LOGFIELD_URL_PATH].len)
        logplain_text(read->at[LOGFIELD_URL_PATH], out);
    else
        buf_char(out, '-');
    if (read->at[LOGFIELD_URL_QUERY].len) {
        buf_char(out, '?');
        logplain_text(read->at[LOGFIELD_URL_QUERY], out);
    }
    buf_lit(out, " HTTP/");
    word_add(read, LOGFIELD_HTTP_VERSION, out);
    buf_lit(out, "\" ");
}

void logplain_combined(const struct logread *read, struct buf *out)
{
    word_add(read, LOGFIELD_CLIENT_IP, out);
    buf_lit(out, " - - [");
    clf_time(logread_wall_ns(read), out);
    combined_request(read, out);
    buf_u64(out, number_of(read, LOGFIELD_STATUS));
    buf_char(out, ' ');
    buf_u64(out, number_of(read, LOGFIELD_BYTES_WRITTEN));
    quoted_add(read, LOGFIELD_REFERER, out);
    quoted_add(read, LOGFIELD_USER_AGENT, out);
    buf_char(out, ' ');
    word_add(read, LOGFIELD_PLATFORM, out);
    buf_char(out, ' ');
    word_add(read, LOGFIELD_GROUP, out);
    buf_char(out, ' ');
    word_add(read, LOGFIELD_TARGET, out);
    buf_char(out, ' ');
    word_add(read, LOGFIELD_REQUEST_TIME, out);
    buf_char(out, '\n');
}
