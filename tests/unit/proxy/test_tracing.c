/*
 * The place of a request in a trace: whom we believe, what targets are told, a span for each try.
 */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#define TRACE    "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT   "00f067aa0ba902b7"
#define CONTEXT  "traceparent: 00-" TRACE "-" PARENT "-01\r\n"
#define OK       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define EVERYONE "tracing: { trust: everybody }\n"

enum { VALUE_MAX = 256 };

static struct proxy proxy;
static int client, target;

static void start(const struct proxy_setup *setup)
{
    proxy = (struct proxy){0};
    proxy_start(&proxy, setup);
    client = proxy_connect(&proxy);
}

static void stop(uint64_t requests)
{
    close(client);
    proxy_wait_ended(&proxy, requests);
    proxy_stop(&proxy);
}

static const char *logged(size_t i, const char *name)
{
    return proxy_log_text(&proxy, i, name);
}

/* The value of a field in a head, or "". */
static const char *value_of(const char *head, const char *name)
{
    static char values[8][VALUE_MAX];
    static unsigned next;
    char *value = values[next++ % ARRAY_LEN(values)], line[64];
    const char *at;
    size_t len;

    snprintf(line, sizeof line, "\r\n%s: ", name);
    at = strstr(head, line);
    value[0] = '\0';
    if (!at)
        return value;
    at += strlen(line);
    len = strcspn(at, "\r");
    ck_assert_uint_lt(len, VALUE_MAX);
    memcpy(value, at, len);
    value[len] = '\0';
    return value;
}

/* Sends a request with these lines and gives the head that the target got. */
static const char *ask(const char *lines)
{
    say(client, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    if (target < 0)
        target = target_accept(&proxy.stable);
    return hear_head(target);
}

static void answer(void)
{
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
}

static void begin(const char *top)
{
    target = -1;
    start(&(struct proxy_setup){.top = top});
}

START_TEST(a_context_that_is_believed_is_continued_with_our_span)
{
    char span[17] = "";
    const char *parent;

    begin(EVERYONE);
    parent = value_of(ask(CONTEXT "tracestate: a=1\r\nbaggage: k=v\r\n"), "traceparent");
    ck_assert_uint_eq(strlen(parent), 55);
    ck_assert_int_eq(strncmp(parent, "00-" TRACE "-", 36), 0);
    ck_assert_str_eq(parent + 52, "-01");
    memcpy(span, parent + 36, 16);
    ck_assert_str_ne(span, PARENT);
    answer();
    stop(1);
    ck_assert_str_eq(logged(0, "trace_id"), TRACE);
    ck_assert_str_eq(logged(0, "dd.trace_id"), TRACE);
    ck_assert_uint_eq(strlen(logged(0, "dd.span_id")), 16);
    ck_assert_str_ne(logged(0, "dd.span_id"), PARENT);
    ck_assert_str_ne(logged(0, "dd.span_id"), span); /* that is the try's */
    proxy_free(&proxy);
}
END_TEST

START_TEST(formats_in_which_a_request_came_are_continued_too)
{
    const char *head;

    begin(EVERYONE);
    head = ask("x-datadog-trace-id: 11803532876627986230\r\nx-datadog-parent-id: 7\r\n"
               "x-datadog-sampling-priority: 2\r\nx-datadog-tags: _dd.p.tid=4bf92f3577b34da6\r\n"
               "X-Amzn-Trace-Id: Self=1-2-3\r\nx_datadog_origin: me\r\n");
    ck_assert_str_eq(value_of(head, "x-datadog-trace-id"), "11803532876627986230");
    ck_assert_str_ne(value_of(head, "x-datadog-parent-id"), "7");
    ck_assert_str_eq(value_of(head, "x-datadog-sampling-priority"), "2");
    ck_assert_int_eq(strncmp(value_of(head, "traceparent"), "00-" TRACE, 35), 0);
    ck_assert_int_eq(
        strncmp(value_of(head, "X-Amzn-Trace-Id"), "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;", 41), 0);
    ck_assert_ptr_null(strstr(head, "b3: "));
    ck_assert_ptr_null(strstr(head, "origin"));
    answer();
    stop(1);
    ck_assert_str_eq(logged(0, "trace_id"), TRACE);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_context_of_others_is_taken_away_and_a_trace_begins)
{
    const char *head;

    begin("tracing: { trusted: [ 10.0.0.0/8 ], send: [ datadog, b3 ] }\n");
    head = ask(CONTEXT "tracestate: a=1\r\nbaggage: k=v\r\nX-B3-Sampled: 1\r\nx-datadog-origin: rum\r\n");
    ck_assert_str_eq(value_of(head, "traceparent"), "");
    ck_assert_str_eq(value_of(head, "tracestate"), "");
    ck_assert_str_eq(value_of(head, "baggage"), "");
    ck_assert_str_eq(value_of(head, "X-B3-Sampled"), "");
    ck_assert_str_eq(value_of(head, "x-datadog-origin"), "");
    ck_assert_str_ne(value_of(head, "x-datadog-trace-id"), "");
    ck_assert_uint_eq(strlen(value_of(head, "b3")), 32 + 1 + 16 + 2);
    answer();
    stop(1);
    ck_assert_uint_eq(strlen(logged(0, "trace_id")), 32);
    ck_assert_str_ne(logged(0, "trace_id"), TRACE);
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_client_behind_a_proxy_is_who_is_believed)
{
    begin("tracing: { trusted: [ 10.0.0.0/8 ] }\nforwarded: { trusted: [ 127.0.0.0/8 ] }\n");
    ck_assert_ptr_nonnull(strstr(ask(CONTEXT "X-Forwarded-For: 10.1.2.3\r\n"), TRACE));
    answer();
    ck_assert_ptr_null(strstr(ask(CONTEXT "X-Forwarded-For: 203.0.113.7\r\n"), TRACE));
    answer();
    ck_assert_ptr_null(strstr(ask(CONTEXT), TRACE)); /* it says nothing, so it is meant itself */
    answer();
    stop(3);
    proxy_free(&proxy);
}
END_TEST

START_TEST(nobody_is_believed_where_that_is_wanted)
{
    begin("tracing: { trust: nobody }\n");
    ck_assert_ptr_null(strstr(ask(CONTEXT), TRACE));
    answer();
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(traces_that_begin_here_are_sampled_by_their_share)
{
    static const struct {
        const char *top, *flags;
    } shares[] = {{"tracing: { sample: 0 }\n", "-02"}, {"tracing: { sample: 100 }\n", "-03"}};

    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        begin(shares[i].top);
        for (int k = 0; k < 10; k++) {
            const char *parent = value_of(ask(""), "traceparent");

            ck_assert_uint_eq(strlen(parent), 55);
            ck_assert_str_eq(parent + 52, shares[i].flags);
            answer();
        }
        stop(10);
        proxy_free(&proxy);
    }
}
END_TEST

START_TEST(each_try_has_a_span_of_its_own)
{
    char first[VALUE_MAX], second[VALUE_MAX];

    begin(EVERYONE);
    snprintf(first, sizeof first, "%s", value_of(ask(CONTEXT), "traceparent"));
    answer();
    snprintf(first, sizeof first, "%s", value_of(ask(CONTEXT), "traceparent"));
    close(target); /* on a connection that was used before: the request is asked again */
    target = target_accept(&proxy.stable);
    snprintf(second, sizeof second, "%s", value_of(hear_head(target), "traceparent"));
    ck_assert_int_eq(strncmp(first, second, 36), 0);
    ck_assert_str_ne(first, second);
    answer();
    stop(2);
    ck_assert_str_eq(logged(1, "trace_id"), TRACE);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_broken_head_has_a_trace_too)
{
    begin(EVERYONE);
    say(client, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n" CONTEXT "\r\n");
    hear_end(client, NULL);
    stop(1);
    ck_assert_uint_eq(strlen(logged(0, "trace_id")), 32);
    ck_assert_str_ne(logged(0, "trace_id"), TRACE);
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_tracing_a_context_goes_on_as_it_is)
{
    const char *head;

    begin(NULL);
    head = ask(CONTEXT "tracestate: a=1\r\nb3: 0\r\nx-datadog-trace-id: 5\r\nX-B3-Sampled: 1\r\n");
    ck_assert_ptr_nonnull(
        strstr(head, CONTEXT "tracestate: a=1\r\nb3: 0\r\nx-datadog-trace-id: 5\r\nX-B3-Sampled: 1\r\n"));
    answer();
    stop(1);
    ck_assert_str_eq(logged(0, "trace_id"), TRACE);
    ck_assert_str_eq(logged(0, "dd.span_id"), PARENT);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proxy/tracing");
    TCase *tc = tcase_create("tracing");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_context_that_is_believed_is_continued_with_our_span);
    tcase_add_test(tc, formats_in_which_a_request_came_are_continued_too);
    tcase_add_test(tc, a_context_of_others_is_taken_away_and_a_trace_begins);
    tcase_add_test(tc, the_client_behind_a_proxy_is_who_is_believed);
    tcase_add_test(tc, nobody_is_believed_where_that_is_wanted);
    tcase_add_test(tc, traces_that_begin_here_are_sampled_by_their_share);
    tcase_add_test(tc, each_try_has_a_span_of_its_own);
    tcase_add_test(tc, a_broken_head_has_a_trace_too);
    tcase_add_test(tc, without_tracing_a_context_goes_on_as_it_is);
    suite_add_tcase(suite, tc);
    return suite;
}
