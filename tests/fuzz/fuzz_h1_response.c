/*
 * Response heads. The first byte of the input chooses the method of the request. The answer does not depend
 * on the cut, slices stay inside the input, and a response that was accepted, forwarded by the rules, is
 * accepted again and means the same.
 */
#include "proto/h1.h"

#include "heads.h"
#include "proto/h1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 200, OUT_MAX = 128 << 10 };

/* As a proxy would send it on, to a client that speaks HTTP/1.1. */
static void forward(struct buf *buf, const struct head *head)
{
    h1_write_status_line(buf, head->status, head->reason);
    for (size_t i = 0; i < head->len; i++)
        if (!(head->fields[i].flags & FIELD_HOP))
            h1_write_parsed(buf, &head->fields[i]);
    if (head->framing == FRAMING_CHUNKED || head->framing == FRAMING_UNTIL_CLOSE)
        h1_write_field(buf, STR("Transfer-Encoding"), STR("chunked"));
    h1_write_end(buf);
    BUG_ON(buf->full);
}

static void check_forwarded(const struct head *head, enum method method)
{
    static char block[OUT_MAX];
    struct h1_limits limits = h1_response_limits;
    struct field fields[HEAD_FIELDS_MAX];
    struct h1_scan scan;
    struct head again;
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    forward(&buf, head);
    limits.head = OUT_MAX;
    limits.fields = HEAD_FIELDS_MAX;
    h1_scan_init(&scan);
    BUG_ON(h1_scan(&scan, &limits, buf.p, buf.len) != H1_SCAN_DONE);
    BUG_ON(scan.end != buf.len);
    head_init(&again, fields, HEAD_FIELDS_MAX);
    BUG_ON(h1_response_parse(&scan, buf.p, method, &again) != H1_OK);
    BUG_ON(again.framing != (head->framing == FRAMING_UNTIL_CLOSE ? FRAMING_CHUNKED : head->framing));
    BUG_ON(again.has_length != head->has_length || again.content_length != head->content_length);
    BUG_ON(again.status != head->status || !str_eq(again.reason, head->reason));
    BUG_ON(!again.keep_alive);
}

static void check_accepted(const struct head *head, enum method method)
{
    BUG_ON(head->status < 100 || head->status > 599);
    BUG_ON(head->framing == FRAMING_LENGTH && !head->has_length);
    BUG_ON(head->framing == FRAMING_UNTIL_CLOSE && head->keep_alive);
    BUG_ON((head->status < 200 || head->status == 204) &&
           (head->framing != FRAMING_NONE || head->has_length));
    BUG_ON(head->upgrade && (head->status != 101 || !head_find(head, FIELD_UPGRADE)));
    BUG_ON(method == METHOD_HEAD && head->framing != FRAMING_NONE);
    check_forwarded(head, method);
}

static void run(const struct h1_limits *limits, enum method method, const char *in, size_t len)
{
    struct field fields[FIELDS];
    struct h1_scan scan;
    struct head head;
    enum h1_error error;

    if (scan_whole(&scan, limits, in, len) != H1_SCAN_DONE)
        return;
    head_init(&head, fields, limits->fields);
    error = h1_response_parse(&scan, in, method, &head);
    check_head(&head, in, scan.end);
    if (!error)
        check_accepted(&head, method);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum method method;

    if (size == 0)
        return 0;
    method = data[0] == 'H' ? METHOD_HEAD : data[0] == 'C' ? METHOD_CONNECT : METHOD_GET;
    run(&h1_response_limits, method, (const char *)data + 1, size - 1);
    run(&tight, method, (const char *)data + 1, size - 1);
    return 0;
}
