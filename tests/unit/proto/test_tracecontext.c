#include "proto/tracecontext.h"

#include "../unit.h"

#include "base/mem.h"
#include "proto/h1.h"

#include <stdlib.h>

#define TRACE   "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT  "00-" TRACE "-00f067aa0ba902b7-"
#define DD_LOW  "11803532876627986230" /* a3ce929d0e0e4736 */
#define DD_SPAN "67667974448284343"    /* 00f067aa0ba902b7 */

enum { FIELDS = 60, TEXT_MAX = 16 * 1024 };

static const enum traceformat all[] = {TRACEFORMAT_W3C, TRACEFORMAT_DATADOG, TRACEFORMAT_XRAY, TRACEFORMAT_B3,
                                       TRACEFORMAT_B3MULTI};

struct request {
    char *bytes;
    struct field fields[FIELDS];
    struct head head;
};

/* A request with these lines, which arrives in pieces of `step` bytes. */
static void arrive(struct request *request, const char *lines, size_t step)
{
    struct text text;
    struct h1_scan scan;
    size_t len = 0, whole;

    text_init(&text, TEXT_MAX);
    text_printf(&text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    whole = text.len;
    request->bytes = text_take(&text);
    h1_scan_init(&scan);
    do
        len = len + step < whole ? len + step : whole;
    while (h1_scan(&scan, &h1_request_limits, request->bytes, len) == H1_SCAN_MORE);
    head_init(&request->head, request->fields, FIELDS);
    ck_assert_int_eq(h1_request_parse(&scan, &h1_request_limits, request->bytes, &request->head), 0);
}

static const char *sampled_text(enum tracecontext_sampled sampled)
{
    switch (sampled) {
    case TRACECONTEXT_OPEN:
        return "open";
    case TRACECONTEXT_NO:
        return "no";
    case TRACECONTEXT_YES:
        return "yes";
    }
    return "?";
}

/* "TRACE SPAN SAMPLED", or "new SAMPLED". */
static char *describe(bool found, const struct tracecontext *context)
{
    struct text out;

    text_init(&out, TEXT_MAX);
    if (found)
        text_printf(&out, "%016llx%016llx %016llx ", (unsigned long long)context->high,
                    (unsigned long long)context->low, (unsigned long long)context->span);
    else
        text_printf(&out, "new ");
    text_printf(&out, "%s%s%s", sampled_text(context->sampled), context->debug ? " debug" : "",
                context->keeps_state ? " state" : "");
    return text_take(&out);
}

static char *read_lines(const char *lines, const enum traceformat *order, size_t len, size_t step)
{
    struct tracecontext context;
    struct request request;
    char *text;

    arrive(&request, lines, step);
    text = describe(tracecontext_read(&request.head, order, len, &context), &context);
    free(request.bytes);
    return text;
}

static const struct {
    const char *lines, *context;
} read[] = {
    {"", "new open"},
    /* W3C */
    {"traceparent: " PARENT "01\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"TraceParent:\t " PARENT "00 \t\r\n", TRACE " 00f067aa0ba902b7 no"},
    {"traceparent: " PARENT "ff\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntraceparent: " PARENT "01\r\n", "new open"},
    {"traceparent: cc-" TRACE "-00f067aa0ba902b7-01\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: cc-" TRACE "-00f067aa0ba902b7-01-what.the.future\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: cc-" TRACE "-00f067aa0ba902b7-01.what\r\n", "new open"},
    {"traceparent: cc-" TRACE "-00f067aa0ba902b7-0\r\n", "new open"},
    {"traceparent: ff-" TRACE "-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: " PARENT "01-what\r\n", "new open"},
    {"traceparent: 0-" TRACE "-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: .0-" TRACE "-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: 00-.bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n", "new open"},
    {"traceparent: 00-" TRACE "-0000000000000000-01\r\n", "new open"},
    {"traceparent: 00-" TRACE "-00f067aa0ba902b-01\r\n", "new open"},
    {"traceparent: 00-" TRACE "-00f067aa0ba902b77-01\r\n", "new open"},
    {"traceparent: " PARENT "1\r\n", "new open"},
    {"traceparent: " PARENT "0x\r\n", "new open"},
    /* its state */
    {"traceparent: " PARENT "01\r\ntracestate: foo=1,bar=2\r\n", TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: foo=1\r\ntracestate: \r\nTracestate: bar=2\r\n",
     TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: foo=1 \t , \t,bar=2, \r\n",
     TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: foo=1,foo=1\r\n", TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: a-b_c*d/e=1,0a@b=x y:;!\r\n",
     TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: \r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: foo\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: foo=\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: =1\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: foo =1\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: FOO=1\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: foo.bar=1\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: foo@=1\r\n", TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: @foo=1\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"traceparent: " PARENT "01\r\ntracestate: foo@@bar=1\r\n", TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: foo@bar@baz=1\r\n", TRACE " 00f067aa0ba902b7 yes state"},
    {"traceparent: " PARENT "01\r\ntracestate: foo=bar=baz\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"tracestate: foo=1\r\n", "new open"},
    /* Datadog */
    {"x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: " DD_SPAN "\r\n"
     "x-datadog-sampling-priority: 2\r\nx-datadog-tags: _dd.p.dm=-4,_dd.p.tid=4bf92f3577b34da6\r\n",
     TRACE " 00f067aa0ba902b7 yes"},
    {"X-Datadog-Trace-Id: 1\r\n", "00000000000000000000000000000001 0000000000000000 open"},
    {"x-datadog-trace-id: 1\r\nx-datadog-sampling-priority: -1\r\n",
     "00000000000000000000000000000001 0000000000000000 no"},
    {"x-datadog-trace-id: 1\r\nx-datadog-sampling-priority: 9\r\nx-datadog-tags: _dd.p.tid=xyz\r\n",
     "00000000000000000000000000000001 0000000000000000 open"},
    {"x-datadog-trace-id: 0\r\n", "new open"},
    {"x-datadog-trace-id: 18446744073709551616\r\n", "new open"},
    {"x-datadog-trace-id: 0x12\r\n", "new open"},
    {"x-datadog-trace-id: 1\r\nx-datadog-trace-id: 1\r\n", "new open"},
    {"x-datadog-trace-id: 1\r\nx-datadog-parent-id: -2\r\n", "new open"},
    {"x_datadog_trace_id: 1\r\n", "new open"},
    /* X-Ray */
    {"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1\r\n",
     TRACE " 00f067aa0ba902b7 yes"},
    {"X-Amzn-Trace-Id: Self=1-67891234-12456789abcdef012345678;Root=1-4bf92f35-77b34da6a3ce929d0e0e4736\r\n",
     TRACE " 0000000000000000 open"},
    {"X-Amzn-Trace-Id: sampled=0 ; root = 1-4BF92F35-77b34da6a3ce929d0e0e4736;;x\r\n",
     TRACE " 0000000000000000 no"},
    {"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=?\r\n",
     TRACE " 0000000000000000 open"},
    {"X-Amzn-Trace-Id: Root=2-4bf92f35-77b34da6a3ce929d0e0e4736\r\n", "new open"},
    {"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e473\r\n", "new open"},
    {"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=12\r\n", "new open"},
    {"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Root=1-4bf92f35-"
     "77b34da6a3ce929d0e0e4736\r\n",
     "new open"},
    {"X-Amzn-Trace-Id: Root=1-00000000-000000000000000000000000\r\n", "new open"},
    {"X-Amzn-Trace-Id: Parent=00f067aa0ba902b7\r\n", "new open"},
    /* B3 */
    {"b3: " TRACE "-00f067aa0ba902b7-1\r\n", TRACE " 00f067aa0ba902b7 yes"},
    {"b3: a3ce929d0e0e4736-00f067aa0ba902b7-0-1111111111111111\r\n",
     "0000000000000000a3ce929d0e0e4736 00f067aa0ba902b7 no"},
    {"b3: " TRACE "-00f067aa0ba902b7\r\n", TRACE " 00f067aa0ba902b7 open"},
    {"b3: " TRACE "-00f067aa0ba902b7-d\r\n", TRACE " 00f067aa0ba902b7 yes debug"},
    {"b3: 0\r\n", "new no"},
    {"b3: 1\r\n", "new yes"},
    {"b3: 2\r\n", "new open"},
    {"b3: " TRACE "\r\n", "new open"},
    {"b3: " TRACE "-0000000000000000-1\r\n", "new open"},
    {"b3: " TRACE "-00f067aa0ba902b7-x\r\n", "new open"},
    {"b3: " TRACE "-00f067aa0ba902b7-1-2222222222222222-\r\n", "new open"},
    {"b3: " TRACE "00-00f067aa0ba902b7-1\r\n", "new open"},
    {"X-B3-TraceId: " TRACE "\r\nX-B3-SpanId: 00f067aa0ba902b7\r\nX-B3-Sampled: 1\r\n",
     TRACE " 00f067aa0ba902b7 yes"},
    {"x-b3-traceid: " TRACE "\r\nx-b3-spanid: 00f067aa0ba902b7\r\nx-b3-flags: 1\r\n",
     TRACE " 00f067aa0ba902b7 yes debug"},
    {"X-B3-TraceId: " TRACE "\r\nX-B3-SpanId: 00f067aa0ba902b7\r\nX-B3-Sampled: false\r\n",
     TRACE " 00f067aa0ba902b7 no"},
    {"X-B3-Sampled: 0\r\n", "new no"},
    {"X-B3-TraceId: " TRACE "\r\n", "new open"},
};

START_TEST(a_context_is_read)
{
    static const size_t steps[] = {1, 7, TEXT_MAX};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        char *text = read_lines(read[_i].lines, all, ARRAY_LEN(all), steps[i]);

        ck_assert_str_eq(text, read[_i].context);
        free(text);
    }
}
END_TEST

/* In a block of just its size, so that a sanitizer sees what is read beyond. */
static bool reads(enum field_id id, const char *name, const char *value, size_t len,
                  struct tracecontext *context)
{
    char *block = malloc(len ? len : 1);
    struct field fields[4];
    struct head head;
    bool found;

    memcpy(block, value, len);
    head_init(&head, fields, 4);
    ck_assert(head_add(&head, id ? field_name(id) : str_from(name), (struct str){block, len}, false));
    found = tracecontext_read(&head, all, ARRAY_LEN(all), context);
    free(block);
    return found;
}

START_TEST(a_context_that_was_cut_is_none)
{
    static const struct {
        enum field_id id;
        const char *name, *value;
        size_t whole; /* cut here, it still says a trace */
    } values[] = {
        {FIELD_TRACEPARENT, NULL, PARENT "01", 55},
        {FIELD_B3, NULL, TRACE "-00f067aa0ba902b7-1-1111111111111111", 49},
        {FIELD_X_AMZN_TRACE_ID, NULL, "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736", 40},
        {FIELD_OTHER, "x-datadog-trace-id", DD_LOW, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        for (size_t len = 0; len <= strlen(values[i].value); len++) {
            struct tracecontext context;
            bool found = reads(values[i].id, values[i].name, values[i].value, len, &context);

            ck_assert_msg(!found || len >= values[i].whole, "%s cut at %zu", values[i].value, len);
            ck_assert(found || len < strlen(values[i].value));
        }
}
END_TEST

/* `key` of this many bytes is no or a good key of tracestate. */
static bool keeps(size_t tenant, size_t system, size_t value)
{
    struct tracecontext context;
    struct request request;
    struct text text;
    char *lines;

    text_init(&text, TEXT_MAX);
    text_printf(&text, "traceparent: " PARENT "01\r\ntracestate: ");
    for (size_t i = 0; i < tenant; i++)
        text_printf(&text, "t");
    if (system)
        text_printf(&text, "@");
    for (size_t i = 0; i < system; i++)
        text_printf(&text, "s");
    text_printf(&text, "=");
    for (size_t i = 0; i < value; i++)
        text_printf(&text, "v");
    text_printf(&text, "\r\n");
    lines = text_take(&text);
    arrive(&request, lines, TEXT_MAX);
    ck_assert(tracecontext_read(&request.head, all, 1, &context));
    free(request.bytes);
    free(lines);
    return context.keeps_state;
}

START_TEST(keys_and_values_of_tracestate_have_a_greatest_length)
{
    ck_assert(keeps(256, 0, 1));
    ck_assert(!keeps(257, 0, 1));
    ck_assert(keeps(241, 14, 256));
    ck_assert(!keeps(242, 14, 1));
    ck_assert(!keeps(1, 0, 257));
}
END_TEST

START_TEST(tracestate_has_32_members_at_most)
{
    for (size_t members = 32; members <= 33; members++) {
        struct text text;
        char *lines, *context;

        text_init(&text, TEXT_MAX);
        text_printf(&text, "traceparent: " PARENT "01\r\n");
        for (size_t i = 0; i < members; i++)
            text_printf(&text, "tracestate: k%zu=v\r\n", i);
        lines = text_take(&text);
        context = read_lines(lines, all, 1, TEXT_MAX);
        ck_assert_str_eq(context,
                         members == 32 ? TRACE " 00f067aa0ba902b7 yes state" : TRACE " 00f067aa0ba902b7 yes");
        free(context);
        free(lines);
    }
}
END_TEST

START_TEST(the_first_format_that_is_whole_counts)
{
    static const enum traceformat b3_first[] = {TRACEFORMAT_B3, TRACEFORMAT_W3C};
    static const char lines[] = "traceparent: " PARENT "01\r\nb3: 1111111111111111-2222222222222222-0\r\n";
    char *text = read_lines(lines, all, ARRAY_LEN(all), 1);

    ck_assert_str_eq(text, TRACE " 00f067aa0ba902b7 yes");
    free(text);
    text = read_lines(lines, b3_first, 2, 1);
    ck_assert_str_eq(text, "00000000000000001111111111111111 2222222222222222 no");
    free(text);
    text = read_lines("b3: 0\r\ntraceparent: " PARENT "01\r\n", b3_first, 2, 1);
    ck_assert_str_eq(text, TRACE " 00f067aa0ba902b7 yes");
    free(text);
    text = read_lines(lines, all + 1, 2, 1); /* neither of them is believed */
    ck_assert_str_eq(text, "new open");
    free(text);
}
END_TEST

/* What is passed on of these lines to a target that gets `formats`, with the span 1. */
static char *pass(const char *lines, const enum traceformat *order, size_t len, unsigned formats)
{
    char block[TRACECONTEXT_FIELDS_MAX];
    struct tracecontext context;
    struct request request;
    struct text out;
    struct buf buf;

    arrive(&request, lines, TEXT_MAX);
    ck_assert(tracecontext_read(&request.head, order, len, &context));
    if (context.sampled == TRACECONTEXT_OPEN)
        context.sampled = TRACECONTEXT_NO;
    tracecontext_drop(&request.head, &context, false);
    text_init(&out, TEXT_MAX);
    for (size_t i = 1; i < request.head.len; i++) { /* behind Host */
        const struct field *field = &request.fields[i];

        if (!(field->flags & FIELD_HOP))
            text_printf(&out, "%.*s: %.*s\r\n", STR_ARG(field->name), STR_ARG(field->value));
    }
    buf_init(&buf, block, sizeof block);
    tracecontext_write(&buf, &context, 1, formats);
    ck_assert(!buf.full);
    text_add(&out, buf.p, buf.len);
    free(request.bytes);
    return text_take(&out);
}

#define BIT(id) TRACEFORMAT_BIT(TRACEFORMAT_##id)
#define EVERY   ((1U << TRACEFORMAT_LEN) - 1)
#define SPAN_1  "0000000000000001"

static const struct {
    const char *lines;
    unsigned formats;
    const char *passed;
} passed[] = {
    {"traceparent: " PARENT "03\r\nA: b\r\ntracestate: x=1\r\nTracestate: y=2\r\nbaggage: k=v\r\n", BIT(W3C),
     "A: b\r\nbaggage: k=v\r\ntraceparent: 00-" TRACE "-" SPAN_1 "-03\r\ntracestate: x=1,y=2\r\n"},
    {"traceparent: cc-" TRACE "-00f067aa0ba902b7-04-more\r\ntracestate: X=1\r\n", BIT(W3C),
     "traceparent: 00-" TRACE "-" SPAN_1 "-00\r\n"},
    {"traceparent: " PARENT "01\r\n", EVERY,
     "traceparent: 00-" TRACE "-" SPAN_1 "-01\r\n"
     "x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 1\r\nx-datadog-sampling-priority: 1\r\n"
     "x-datadog-tags: _dd.p.tid=4bf92f3577b34da6\r\n"
     "X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" SPAN_1 ";Sampled=1\r\n"
     "b3: " TRACE "-" SPAN_1 "-1\r\n"
     "X-B3-TraceId: " TRACE "\r\nX-B3-SpanId: " SPAN_1 "\r\nX-B3-Sampled: 1\r\n"},
    {"traceparent: " PARENT "01\r\ntracestate: x=1 \t, y= a b\t,,z=3\r\ntracestate: u=5\r\n", BIT(W3C),
     "traceparent: 00-" TRACE "-" SPAN_1 "-01\r\ntracestate: x=1,y= a b,z=3,u=5\r\n"},
    /* what dd-trace makes of the same */
    {"traceparent: " PARENT "01\r\ntracestate: dd=s:2;o:rum;t.dm:-4;t.usr:a~b,congo=t61rcWkgMzE\r\n",
     BIT(W3C) | BIT(DATADOG),
     "traceparent: 00-" TRACE "-" SPAN_1 "-01\r\n"
     "tracestate: dd=s:2;o:rum;t.dm:-4;t.usr:a~b,congo=t61rcWkgMzE\r\n"
     "x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 1\r\nx-datadog-sampling-priority: 2\r\n"
     "x-datadog-origin: rum\r\nx-datadog-tags: _dd.p.tid=4bf92f3577b34da6,_dd.p.dm=-4,_dd.p.usr=a=b\r\n"},
    {"x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 7\r\nx-datadog-sampling-priority: 2\r\n"
     "x-datadog-origin: synthetics\r\nx-datadog-tags: _dd.p.tid=4bf92f3577b34da6,_dd.p.dm=-4,other=1\r\n",
     BIT(W3C) | BIT(DATADOG),
     "traceparent: 00-" TRACE "-" SPAN_1 "-01\r\ntracestate: dd=s:2;p:" SPAN_1 ";o:synthetics;t.dm:-4\r\n"
     "x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 1\r\nx-datadog-sampling-priority: 2\r\n"
     "x-datadog-origin: synthetics\r\nx-datadog-tags: _dd.p.tid=4bf92f3577b34da6,_dd.p.dm=-4\r\n"},
    /* the member and the flag disagree: the flag counts */
    {"traceparent: " PARENT "00\r\ntracestate: dd=s:2\r\n", BIT(DATADOG),
     "x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 1\r\nx-datadog-sampling-priority: 0\r\n"
     "x-datadog-tags: _dd.p.tid=4bf92f3577b34da6\r\n"},
    {"b3: a3ce929d0e0e4736-00f067aa0ba902b7-d\r\nX_B3_Traceid: 1\r\n", BIT(B3) | BIT(B3MULTI) | BIT(DATADOG),
     "x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 1\r\nx-datadog-sampling-priority: 2\r\n"
     "b3: 0000000000000000a3ce929d0e0e4736-" SPAN_1 "-d\r\n"
     "X-B3-TraceId: 0000000000000000a3ce929d0e0e4736\r\nX-B3-SpanId: " SPAN_1 "\r\nX-B3-Flags: 1\r\n"},
    {"X-Amzn-Trace-Id: Self=1-2-3;Root=1-4bf92f35-77b34da6a3ce929d0e0e4736; CalledFrom=app ;Sampled=?\r\n",
     BIT(XRAY),
     "X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" SPAN_1
     ";Sampled=0;Self=1-2-3;CalledFrom=app\r\n"},
};

START_TEST(a_context_is_passed_on)
{
    char *text = pass(passed[_i].lines, all, ARRAY_LEN(all), passed[_i].formats);

    ck_assert_str_eq(text, passed[_i].passed);
    free(text);
}
END_TEST

/* Datadog's fields have the lower half of a trace alone where old tracers wrote them. */
START_TEST(formats_that_tell_of_the_same_trace_complete_each_other)
{
    static const enum traceformat order[] = {TRACEFORMAT_DATADOG, TRACEFORMAT_W3C};
    char *text = pass("x-datadog-trace-id: " DD_LOW "\r\nx-datadog-parent-id: 5\r\n"
                      "traceparent: " PARENT "01\r\ntracestate: x=1\r\n",
                      order, 2, BIT(W3C));

    ck_assert_str_eq(text, "traceparent: 00-" TRACE "-" SPAN_1 "-00\r\ntracestate: x=1\r\n");
    free(text);
    text = pass("x-datadog-trace-id: 99\r\ntraceparent: " PARENT "01\r\ntracestate: x=1\r\n", order, 2,
                BIT(W3C));
    ck_assert_str_eq(text, "traceparent: 00-00000000000000000000000000000063-" SPAN_1 "-00\r\n");
    free(text);
}
END_TEST

START_TEST(what_is_too_long_is_left_out)
{
    struct text text;
    char *lines, *out;

    text_init(&text, TEXT_MAX);
    text_printf(&text, "x-datadog-trace-id: 1\r\nx-datadog-tags: _dd.p.a=");
    for (int i = 0; i < 300; i++)
        text_printf(&text, "x");
    text_printf(&text, ",_dd.p.b=2\r\nX-Amzn-Trace-Id: Extra=");
    for (int i = 0; i < 600; i++)
        text_printf(&text, "x");
    text_printf(&text, "\r\n");
    lines = text_take(&text);
    out = pass(lines, all, ARRAY_LEN(all), BIT(W3C) | BIT(XRAY));
    ck_assert_str_eq(out, "traceparent: 00-00000000000000000000000000000001-" SPAN_1 "-00\r\n"
                          "tracestate: dd=s:0;p:" SPAN_1 ";t.b:2\r\n"
                          "X-Amzn-Trace-Id: Root=1-00000000-000000000000000000000001;Parent=" SPAN_1
                          ";Sampled=0\r\n");
    free(out);
    free(lines);
}
END_TEST

START_TEST(a_long_tracestate_goes_on_as_it_came)
{
    struct text text, expected;
    char *lines, *wanted, *out;

    text_init(&text, TEXT_MAX);
    for (int i = 0; i < 5; i++) {
        text_printf(&text, "tracestate: k%d=", i);
        for (int k = 0; k < 250; k++)
            text_printf(&text, "x");
        text_printf(&text, "\r\n");
    }
    text_init(&expected, TEXT_MAX);
    text_printf(&expected, "%straceparent: 00-" TRACE "-" SPAN_1 "-01\r\n", text.p);
    text_printf(&text, "traceparent: " PARENT "01\r\n");
    lines = text_take(&text);
    wanted = text_take(&expected);
    out = pass(lines, all, 1, BIT(W3C));
    ck_assert_str_eq(out, wanted);
    free(out);
    free(wanted);
    free(lines);
}
END_TEST

START_TEST(fields_are_known_in_any_spelling)
{
    ck_assert(traceformat_owns(STR("X-Datadog-Trace-Id")));
    ck_assert(traceformat_owns(STR("x_b3_flags")));
    ck_assert(traceformat_owns(STR("TraceState")));
    ck_assert(!traceformat_owns(STR("X-Datadog")));
    ck_assert(!traceformat_owns(STR("baggage")));
    for (unsigned i = 0; i < TRACEFORMAT_NAMES; i++)
        ck_assert_int_eq((int)traceformat_name_from(traceformat_name((enum traceformat_name)i)), (int)i);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proto/tracecontext");
    TCase *tc = tcase_create("tracecontext");

    tcase_add_loop_test(tc, a_context_is_read, 0, ARRAY_LEN(read));
    tcase_add_test(tc, a_context_that_was_cut_is_none);
    tcase_add_test(tc, keys_and_values_of_tracestate_have_a_greatest_length);
    tcase_add_test(tc, tracestate_has_32_members_at_most);
    tcase_add_test(tc, the_first_format_that_is_whole_counts);
    tcase_add_loop_test(tc, a_context_is_passed_on, 0, ARRAY_LEN(passed));
    tcase_add_test(tc, formats_that_tell_of_the_same_trace_complete_each_other);
    tcase_add_test(tc, what_is_too_long_is_left_out);
    tcase_add_test(tc, a_long_tracestate_goes_on_as_it_came);
    tcase_add_test(tc, fields_are_known_in_any_spelling);
    suite_add_tcase(suite, tc);
    return suite;
}
