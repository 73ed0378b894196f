/*
 * Trace contexts: the input is the lines of a head. What was read and is passed on in any format reads as the
 * same trace again, nothing of what came is left beside it, and what is written fits and breaks no line.
 */
#include "proto/h1.h"
#include "proto/tracecontext.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum traceformat order[] = {TRACEFORMAT_W3C, TRACEFORMAT_DATADOG, TRACEFORMAT_XRAY,
                                         TRACEFORMAT_B3, TRACEFORMAT_B3MULTI};

/* Reads lines behind a start line and Host; false when they are no head. The block is the caller's. */
static bool parse(const uint8_t *data, size_t size, char *block, struct head *head, struct field *fields)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    struct h1_scan scan;
    size_t len = sizeof start - 1;

    memcpy(block, start, len);
    if (size)
        memcpy(block + len, data, size);
    memcpy(block + len + size, "\r\n", 2);
    h1_scan_init(&scan);
    head_init(head, fields, FIELDS_MAX);
    return h1_scan(&scan, &h1_request_limits, block, len + size + 2) == H1_SCAN_DONE &&
           !h1_request_parse(&scan, &h1_request_limits, block, head);
}

/* Nothing that is passed on may be read as another context. */
static void check_rest(struct head *head)
{
    struct tracecontext context;

    for (size_t i = 0; i < head->len; i++)
        if (!(head->fields[i].flags & FIELD_HOP))
            BUG_ON(traceformat_owns(head->fields[i].name) && head->fields[i].id != FIELD_TRACESTATE &&
                   !(head->fields[i].flags & FIELD_ALIAS));
    BUG_ON(tracecontext_read(head, order, ARRAY_LEN(order), &context));
}

static void write_and_read(const struct tracecontext *context, enum traceformat format)
{
    char out[TRACECONTEXT_FIELDS_MAX], block[TRACECONTEXT_FIELDS_MAX + 64];
    struct field fields[FIELDS_MAX];
    struct tracecontext again;
    struct head head;
    struct buf buf;

    buf_init(&buf, out, sizeof out);
    tracecontext_write(&buf, context, 7, TRACEFORMAT_BIT(format));
    BUG_ON(buf.full || !parse((const uint8_t *)buf.p, buf.len, block, &head, fields));
    if (format == TRACEFORMAT_DATADOG && context->low == 0)
        return; /* it has no way to say so */
    BUG_ON(!tracecontext_read(&head, order, ARRAY_LEN(order), &again));
    BUG_ON(again.low != context->low || again.high != context->high || again.span != 7 ||
           again.sampled != context->sampled);
    for (size_t i = 1; i < head.len; i++)
        BUG_ON(!traceformat_owns(head.fields[i].name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *block = malloc(size + 64), whole[TRACECONTEXT_FIELDS_MAX];
    struct field fields[FIELDS_MAX];
    struct tracecontext context;
    struct head head;
    struct buf buf;

    if (!parse(data, size, block, &head, fields) ||
        !tracecontext_read(&head, order, ARRAY_LEN(order), &context)) {
        free(block);
        return 0;
    }
    BUG_ON(!context.high && !context.low);
    if (context.sampled == TRACECONTEXT_OPEN)
        context.sampled = TRACECONTEXT_NO;
    tracecontext_drop(&head, &context, false);
    check_rest(&head);
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        write_and_read(&context, order[i]);
    buf_init(&buf, whole, sizeof whole);
    tracecontext_write(&buf, &context, 7, (1U << TRACEFORMAT_LEN) - 1);
    BUG_ON(buf.full);
    free(block);
    return 0;
}
