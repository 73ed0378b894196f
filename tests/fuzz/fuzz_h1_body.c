/*
 * Content. The first byte of the input chooses the framing and the size of the pieces. Payload, end, trailers
 * and the bytes taken do not depend on the pieces, nor on what passes elsewhere; slices stay inside the
 * input; payload and trailers that are framed anew are taken as the same.
 */
#include "proto/h1_body.h"

#include "base/mem.h"
#include "proto/h1_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRAILERS = 32, PAYLOAD_MAX = 1 << 20 };

static const struct h1_limits tight = {
    .trailer = 60,
    .trailer_fields = 3,
    .chunk_extension = 8,
    .chunk_extensions = 20,
    .chunk_overhead = 60,
};

/* For what we have framed ourselves: a blank more behind each colon. */
static const struct h1_limits loose = {
    .trailer = 16 << 10,
    .trailer_fields = TRAILERS,
    .chunk_extension = 8,
    .chunk_extensions = 20,
};

/* How a message was taken. */
struct result {
    enum h1_body_event event; /* the last one: MORE when the input was used up */
    enum h1_error error;
    struct text payload;
    struct text trailers; /* as lines */
    uint64_t received;
    size_t taken; /* with DONE */
};

static void keep_trailers(struct result *result, const struct h1_body *body, const char *in, size_t len)
{
    for (size_t i = 0; i < body->trailers_len; i++) {
        const struct field *f = &body->trailers[i];

        BUG_ON(f->name.p < in || f->name.p + f->name.len > in + len);
        BUG_ON(f->value.len && (f->value.p < in || f->value.p + f->value.len > in + len));
        BUG_ON(f->flags & (FIELD_HOP | FIELD_NO_TRAILER | FIELD_ALIAS));
        text_add(&result->trailers, f->name.p, f->name.len);
        text_add(&result->trailers, ": ", 2);
        text_add(&result->trailers, f->value.p, f->value.len);
        text_add(&result->trailers, "\r\n", 2);
    }
}

/* One feed of [in, in + len), in a block of just that size. Returns what was consumed. */
static size_t feed(struct result *result, struct h1_body *body, const char *in, size_t len)
{
    char *block = mem_alloc(len + 1);
    char *copy = block + 1;
    size_t consumed = SIZE_MAX;
    struct str data;

    memcpy(copy, in, len);
    result->event = h1_body_feed(body, copy, len, &data, &consumed);
    BUG_ON(consumed > len);
    if (result->event == H1_BODY_DATA) {
        BUG_ON(data.len == 0 || data.p < copy || data.p + data.len != copy + consumed);
        text_add(&result->payload, data.p, data.len);
    }
    if (result->event == H1_BODY_DONE)
        keep_trailers(result, body, copy, consumed);
    free(block);
    return consumed;
}

/* Lets plain payload pass, at most `step` bytes of it. Returns how many. */
static size_t pass(struct result *result, struct h1_body *body, const char *in, size_t len, size_t step)
{
    uint64_t plain = h1_body_plain(body);

    len = len < step ? len : step;
    len = len < plain ? len : (size_t)plain;
    if (len == 0)
        return 0;
    text_add(&result->payload, in, len);
    h1_body_pass(body, len);
    return len;
}

static void run(struct result *result, const struct h1_limits *limits, enum framing framing, uint64_t length,
                struct str in, size_t step, bool passes)
{
    size_t arrived = step < in.len ? step : in.len;
    struct field trailers[TRAILERS];
    struct h1_body body;

    *result = (struct result){.event = H1_BODY_MORE};
    text_init(&result->payload, PAYLOAD_MAX);
    text_init(&result->trailers, PAYLOAD_MAX);
    h1_body_init(&body, framing, length, limits);
    h1_body_want_trailers(&body, trailers, TRAILERS);
    for (;;) {
        if (passes)
            result->taken += pass(result, &body, in.p + result->taken, arrived - result->taken, step);
        result->taken += feed(result, &body, in.p + result->taken, arrived - result->taken);
        if (result->event == H1_BODY_DATA)
            continue;
        if (result->event != H1_BODY_MORE || arrived == in.len)
            break;
        arrived = in.len - arrived > step ? arrived + step : in.len;
    }
    result->error = body.error;
    result->received = body.received;
    BUG_ON(body.received != result->payload.len);
    BUG_ON((result->event == H1_BODY_BAD) != (body.error != H1_OK));
    BUG_ON(h1_body_eof(&body) != (result->event == H1_BODY_DONE || framing == FRAMING_UNTIL_CLOSE));
}

static void fini(struct result *result)
{
    text_fini(&result->payload);
    text_fini(&result->trailers);
}

static bool text_eq(const struct text *a, const struct text *b)
{
    return str_eq((struct str){a->p, a->len}, (struct str){b->p, b->len});
}

static void check_same(const struct result *a, const struct result *b)
{
    BUG_ON(a->event != b->event || a->error != b->error || a->received != b->received);
    BUG_ON(!text_eq(&a->payload, &b->payload) || !text_eq(&a->trailers, &b->trailers));
    BUG_ON(a->event == H1_BODY_DONE && a->taken != b->taken);
}

/* Frames the payload anew in chunks of `step` bytes. */
static void check_framed(const struct result *result, size_t step)
{
    size_t cap = result->payload.len * 8 + result->trailers.len + 64;
    char *block = mem_alloc(cap);
    struct result again;
    struct buf buf;

    buf_init(&buf, block, cap);
    for (size_t at = 0; at < result->payload.len; at += step) {
        size_t left = result->payload.len - at;
        size_t len = left < step ? left : step;

        h1_write_chunk(&buf, len);
        buf_add(&buf, result->payload.p + at, len);
        h1_write_end(&buf);
    }
    h1_write_last_chunk(&buf);
    buf_add(&buf, result->trailers.p, result->trailers.len);
    h1_write_end(&buf);
    BUG_ON(buf.full);
    run(&again, &loose, FRAMING_CHUNKED, 0, buf_str(&buf), buf.len, false);
    BUG_ON(again.event != H1_BODY_DONE || again.taken != buf.len ||
           !text_eq(&again.payload, &result->payload) || !text_eq(&again.trailers, &result->trailers));
    fini(&again);
    free(block);
}

static void check(const struct h1_limits *limits, enum framing framing, uint64_t length, struct str in,
                  size_t step)
{
    struct result whole, bytewise, stepwise, passing;

    run(&whole, limits, framing, length, in, in.len ? in.len : 1, false);
    run(&bytewise, limits, framing, length, in, 1, false);
    run(&stepwise, limits, framing, length, in, step, false);
    run(&passing, limits, framing, length, in, step, true);
    check_same(&whole, &bytewise);
    check_same(&whole, &stepwise);
    check_same(&whole, &passing);
    check_framed(&whole, step);
    fini(&whole);
    fini(&bytewise);
    fini(&stepwise);
    fini(&passing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum framing framings[] = {FRAMING_CHUNKED, FRAMING_CHUNKED, FRAMING_LENGTH,
                                            FRAMING_UNTIL_CLOSE};
    struct str in = {(const char *)data + 1, size - 1};
    enum framing framing;
    size_t step;

    if (size == 0 || size > PAYLOAD_MAX / 8)
        return 0;
    framing = framings[data[0] & 3];
    step = (data[0] >> 2) + 1U;
    check(&h1_request_limits, framing, size / 2, in, step);
    check(&tight, framing, size * 2, in, step);
    return 0;
}
