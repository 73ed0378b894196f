/*
 * Request heads: the answer does not depend on the cut, slices stay inside the input, and a request that was
 * accepted, forwarded by the rules, is accepted again and means the same.
 */
#include "proto/h1.h"

#include "heads.h"
#include "proto/h1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 100, OUT_MAX = 64 << 10 };

/* The protocol that a proxy would ask the server for: one of those that the client named. */
static struct str protocol(const struct head *head)
{
    struct str list = head_value(head, FIELD_UPGRADE), piece;

    if (head->upgrade == UPGRADE_WEBSOCKET)
        return STR("websocket");
    while (str_split(&list, ',', &piece))
        if (octet_all(str_trim(piece), OCTET_TOKEN))
            return str_trim(piece);
    return STR("other");
}

static void forward_hop(struct buf *buf, const struct head *head)
{
    if (head->upgrade != UPGRADE_NONE) {
        h1_write_field(buf, STR("Connection"), STR("Upgrade"));
        h1_write_field(buf, STR("Upgrade"), protocol(head));
    }
    if (head->te_trailers) {
        h1_write_field(buf, STR("Connection"), STR("TE"));
        h1_write_field(buf, STR("TE"), STR("trailers"));
    }
}

/* As a proxy would send it on, to a server that speaks HTTP/1.1. */
static void forward(struct buf *buf, const struct head *head)
{
    bool has_host = head->authority.whole.len;

    h1_write_request_line(buf, head->method_name, head->path, head->query);
    h1_write_field(buf, STR("Host"), has_host ? head->authority.whole : STR("default"));
    for (size_t i = 0; i < head->len; i++)
        if (!(head->fields[i].flags & FIELD_HOP) && head->fields[i].id != FIELD_HOST &&
            head->fields[i].id != FIELD_EXPECT)
            h1_write_parsed(buf, &head->fields[i]);
    if (head->framing == FRAMING_CHUNKED)
        h1_write_field(buf, STR("Transfer-Encoding"), STR("chunked"));
    forward_hop(buf, head);
    h1_write_end(buf);
    BUG_ON(buf->full);
}

static void check_forwarded(const struct head *head)
{
    static char block[OUT_MAX];
    struct h1_limits limits = h1_request_limits;
    struct field fields[HEAD_FIELDS_MAX];
    struct h1_scan scan;
    struct head again;
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    forward(&buf, head);
    limits.start_line = limits.head = OUT_MAX;
    limits.fields = HEAD_FIELDS_MAX;
    limits.allow_trace = true;
    h1_scan_init(&scan);
    BUG_ON(h1_scan(&scan, &limits, buf.p, buf.len) != H1_SCAN_DONE);
    BUG_ON(scan.end != buf.len);
    head_init(&again, fields, HEAD_FIELDS_MAX);
    BUG_ON(h1_request_parse(&scan, &limits, buf.p, &again) != H1_OK);
    BUG_ON(again.framing != head->framing || again.content_length != head->content_length);
    BUG_ON(!str_eq(again.path, head->path) || !str_eq(again.query, head->query));
    BUG_ON(head->authority.whole.len && !str_eq(again.authority.host, head->authority.host));
    BUG_ON(again.upgrade != head->upgrade || again.te_trailers != head->te_trailers);
    BUG_ON(again.expect_continue || !again.keep_alive);
}

static void check_accepted(const struct head *head)
{
    BUG_ON(head->framing == FRAMING_UNTIL_CLOSE);
    BUG_ON((head->framing == FRAMING_LENGTH) != (head->has_length && head->content_length > 0));
    BUG_ON(head->minor > 0 && head->authority.whole.len == 0);
    BUG_ON(head->minor == 0 && (head->keep_alive || head->expect_continue || head->upgrade));
    BUG_ON(head->upgrade && (head->framing != FRAMING_NONE || !head_find(head, FIELD_UPGRADE)));
    BUG_ON(head->upgrade == UPGRADE_WEBSOCKET &&
           (head->method != METHOD_GET || head_value(head, FIELD_SEC_WEBSOCKET_KEY).len != 24));
    if (head->method != METHOD_CONNECT)
        check_forwarded(head);
}

static void run(const struct h1_limits *limits, const char *in, size_t len)
{
    struct field fields[FIELDS];
    struct h1_scan scan;
    struct head head;
    enum h1_error error;

    if (scan_whole(&scan, limits, in, len) != H1_SCAN_DONE)
        return;
    head_init(&head, fields, limits->fields);
    error = h1_request_parse(&scan, limits, in, &head);
    check_head(&head, in, scan.end);
    if (error)
        BUG_ON(h1_error_status(error) < 400);
    else
        check_accepted(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(&h1_request_limits, (const char *)data, size);
    run(&tight, (const char *)data, size);
    return 0;
}
