#include "proto/h1.h"

#include "proto/h1_facts.h"
#include "proto/h1_line.h"
#include "proto/octet.h"

const struct h1_limits h1_request_limits = {
    .start_line = 8 << 10,
    .head = 32 << 10,
    .fields = 100,
    .trailer = 8 << 10,
    .trailer_fields = 32,
    .chunk_extension = 256,
    .chunk_extensions = 4 << 10,
    .chunk_overhead = 100 << 10,
    .blank_line = true,
};

/* An upstream may stream in tiny chunks for as long as it likes: it costs us no more than it costs itself. */
const struct h1_limits h1_response_limits = {
    .start_line = 8 << 10,
    .head = 64 << 10,
    .fields = 200,
    .trailer = 8 << 10,
    .trailer_fields = 32,
    .chunk_extension = 256,
    .chunk_extensions = 4 << 10,
};

void h1_scan_init(struct h1_scan *scan)
{
    *scan = (struct h1_scan){.start = 0};
}

static enum h1_scan_result bad(struct h1_scan *scan, enum h1_error error)
{
    scan->error = error;
    return H1_SCAN_BAD;
}

/* Whether the line in progress is the start line. */
static bool in_start_line(const struct h1_scan *scan)
{
    return scan->lines == 0;
}

/* How far the line in progress may reach, with its CR LF. */
static size_t scan_cap(const struct h1_scan *scan, const struct h1_limits *limits)
{
    size_t line_cap = (size_t)scan->line + limits->start_line + 2;

    return in_start_line(scan) && line_cap < limits->head ? line_cap : limits->head;
}

static enum h1_error too_long(const struct h1_scan *scan)
{
    return in_start_line(scan) ? H1_START_LINE_TOO_LONG : H1_HEAD_TOO_LARGE;
}

/* The line in progress ends at scan->seen, where CR LF stands. */
static enum h1_scan_result line_end(struct h1_scan *scan, const struct h1_limits *limits)
{
    bool empty = scan->seen == scan->line;

    scan->seen += 2;
    scan->line = scan->seen;
    if (!empty) {
        if (scan->lines++ > limits->fields)
            return bad(scan, H1_TOO_MANY_FIELDS);
        return H1_SCAN_MORE;
    }
    if (in_start_line(scan)) {
        if (!limits->blank_line || scan->start)
            return bad(scan, H1_BLANK_LINES);
        scan->start = scan->seen;
        return H1_SCAN_MORE;
    }
    scan->end = scan->seen;
    return H1_SCAN_DONE;
}

enum h1_scan_result h1_scan(struct h1_scan *scan, const struct h1_limits *limits, const char *in, size_t len)
{
    enum h1_scan_result result = H1_SCAN_MORE;

    BUG_ON(len < scan->seen);
    if (scan->error)
        return H1_SCAN_BAD;
    if (scan->end)
        return H1_SCAN_DONE;
    while (result == H1_SCAN_MORE) {
        size_t cap = scan_cap(scan, limits);
        size_t end = len < cap ? len : cap;
        size_t at = (size_t)(octet_find_control(in + scan->seen, in + end) - in);

        scan->seen = (uint32_t)at;
        if (at < end && in[at] != '\r')
            return bad(scan, in[at] == '\n' ? H1_BARE_LF : H1_CONTROL);
        if (at + 1 >= end)
            return end == cap ? bad(scan, too_long(scan)) : H1_SCAN_MORE;
        if (in[at + 1] != '\n')
            return bad(scan, H1_BARE_CR);
        result = line_end(scan, limits);
    }
    return result;
}

/* Cuts the line at the front of `*at`, which has a CR, and moves on behind its CR LF. */
static struct str cut_line(const char **at, const char *end)
{
    const char *cr = memchr(*at, '\r', (size_t)(end - *at));
    struct str line;

    BUG_ON(!cr);
    line = (struct str){*at, (size_t)(cr - *at)};
    *at = cr + 2;
    return line;
}

/* "HTTP/1.N" (RFC 9112 section 2.3). */
static enum h1_error parse_version(struct str text, unsigned *minor_r)
{
    if (text.len != 8 || memcmp(text.p, "HTTP/", 5) != 0 || text.p[6] != '.')
        return H1_VERSION;
    if (text.p[5] < '0' || text.p[5] > '9' || text.p[7] < '0' || text.p[7] > '9')
        return H1_VERSION;
    if (text.p[5] != '1')
        return H1_VERSION_UNSUPPORTED;
    *minor_r = (unsigned)(text.p[7] - '0');
    return H1_OK;
}

/* Longer than any registered method: RFC 9112 section 3 wants 501 for it. */
enum { METHOD_NAME_MAX = 32 };

static enum h1_error parse_method(struct str *line, const struct h1_limits *limits, struct head *head)
{
    const char *end = line->p + line->len;
    bool alias;
    const char *p = octet_span(line->p, end, OCTET_TOKEN, &alias);
    struct str name = {line->p, (size_t)(p - line->p)};

    if (p == end || *p != ' ' || name.len == 0)
        return H1_METHOD;
    if (name.len > METHOD_NAME_MAX)
        return H1_METHOD_TOO_LONG;
    *line = (struct str){p + 1, (size_t)(end - p) - 1};
    head->method_name = name;
    head->method = method_from(name);
    if (head->method == METHOD_CONNECT && !limits->allow_connect)
        return H1_METHOD_REFUSED;
    if (head->method == METHOD_TRACE && !limits->allow_trace)
        return H1_METHOD_REFUSED;
    return H1_OK;
}

static enum h1_error parse_target(struct str text, struct head *head)
{
    struct target target;

    head->target = text;
    if (!target_parse(text, head->method, &target))
        return H1_TARGET;
    head->form = target.form;
    head->scheme = target.scheme;
    head->authority = target.authority;
    head->path = target.path;
    head->query = target.query;
    return H1_OK;
}

/* method SP target SP version (RFC 9112 section 3). Whatever is split otherwise has an invalid target or
 * version. The version is judged before the rest, because another version would have another grammar. */
static enum h1_error parse_request_line(struct str line, const struct h1_limits *limits, struct head *head)
{
    const char *space = line.len ? memrchr(line.p, ' ', line.len) : NULL;
    enum h1_error error;
    struct str target;

    if (!space)
        return H1_METHOD;
    error = parse_version((struct str){space + 1, line.len - (size_t)(space - line.p) - 1}, &head->minor);
    if (error)
        return error;
    line.len = (size_t)(space - line.p);
    target = line;
    error = parse_method(&target, limits, head);
    return error ? error : parse_target(target, head);
}

/* version SP 3DIGIT SP [reason] (RFC 9112 section 4); the space before a missing reason may be missing too,
 * as many servers have it. */
static enum h1_error parse_status_line(struct str line, struct head *head)
{
    enum h1_error error;
    uint64_t status;

    if (line.len < 12 || line.p[8] != ' ')
        return H1_STATUS_LINE;
    error = parse_version((struct str){line.p, 8}, &head->minor);
    if (error)
        return error;
    if (!str_to_u64((struct str){line.p + 9, 3}, &status) || status < 100 || status > 599)
        return H1_STATUS_LINE;
    if (line.len > 12 && line.p[12] != ' ')
        return H1_STATUS_LINE;
    head->status = (unsigned)status;
    head->reason = line.len > 13 ? (struct str){line.p + 13, line.len - 13} : (struct str){line.p, 0};
    return H1_OK;
}

/* The lines from `at` to the empty one. */
static enum h1_error parse_fields(const char *at, const char *end, struct head *head)
{
    while (*at != '\r') {
        struct str line = cut_line(&at, end);
        struct h1_line parts;
        enum h1_error error = h1_line_parse(line, &parts);

        if (error)
            return error;
        if (!head_add(head, parts.name, parts.value, parts.alias))
            return H1_TOO_MANY_FIELDS;
    }
    return H1_OK;
}

enum h1_error h1_request_parse(const struct h1_scan *scan, const struct h1_limits *limits, const char *in,
                               struct head *head)
{
    const char *at = in + scan->start;
    const char *end = in + scan->end;
    enum h1_error error;

    BUG_ON(!scan->end);
    error = parse_request_line(cut_line(&at, end), limits, head);
    if (!error)
        error = parse_fields(at, end, head);
    return error ? error : h1_request_facts(head);
}

enum h1_error h1_response_parse(const struct h1_scan *scan, const char *in, enum method method,
                                struct head *head)
{
    const char *at = in + scan->start;
    const char *end = in + scan->end;
    enum h1_error error;

    BUG_ON(!scan->end);
    error = parse_status_line(cut_line(&at, end), head);
    if (!error)
        error = parse_fields(at, end, head);
    return error ? error : h1_response_facts(head, method);
}
