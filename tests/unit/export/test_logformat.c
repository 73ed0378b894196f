#include "export/logformat.h"

#include "../served.h"
#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "export/logplain.h"
#include "proxy/accesslog.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct accesslog_record full(void)
{
    struct accesslog_record r = served();

    r.env = STR("prd");
    r.version = STR("1.2");
    r.host = STR("h1");
    r.head_ns = 1000000;
    r.connect_ns = 2000000;
    r.first_byte_ns = 30000000;
    r.body_ns = 4000000;
    r.path = STR("/x y");
    r.query = STR("?y=\"1\"\\\xff");
    r.user_agent = STR("tab\there");
    r.referer = STR("http://r/");
    r.request_id = STR("id-1");
    r.request_headers = STR("{\"x-amzn-trace-id\":\"Root=1-2-3\",\"x-b\":\"}\\\"{\"}");
    r.response_headers = STR("{\"x-cache\":\"HIT\"}");
    r.secure = true;
    r.tls_version = STR("1.3");
    r.tls_cipher = STR("TLS_AES_128_GCM_SHA256");
    r.tls_session = STR("resumed");
    r.tls_name = STR("a.example");
    r.target_status = 201;
    r.bytes_read = 10;
    r.bytes_written = 20;
    r.trace_id = STR("0123456789abcdef0123456789abcdef");
    r.span_id = STR("0123456789abcdef");
    r.plan = STR("move");
    r.step = 2;
    r.error = STR("none");
    r.spans = STR("{\"start\":1,\"sampled\":true,\"tries\":{}}");
    return r;
}

static char line_block[64 * 1024];

static struct str line_of(const struct accesslog_record *record)
{
    struct buf line;

    buf_init(&line, line_block, sizeof line_block);
    accesslog_format(&line, record, ACCESSLOG_LINE_MAX);
    ck_assert(!line.full);
    return buf_str(&line);
}

static struct str written(enum config_log_format preset, const struct accesslog_record *record,
                          struct str rate)
{
    static char block[LOGFORMAT_MAX];
    struct logformat *format = logformat_new(preset);
    struct str line = line_of(record);
    struct logread read;
    struct buf out;

    buf_init(&out, block, sizeof block);
    ck_assert(logread_line(line, &read));
    logread_parts(&read);
    read.at[LOGFIELD_SAMPLE_RATE] = rate;
    logformat_write(format, line, &read, &out);
    logformat_free(format);
    ck_assert(!out.full);
    ck_assert(str_ends_with(buf_str(&out), STR("\n")));
    ck_assert_ptr_eq(memchr(out.p, '\n', out.len), out.p + out.len - 1);
    return (struct str){out.p, out.len - 1};
}

static json_t *parse(struct str line)
{
    json_error_t error;
    json_t *json = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    ck_assert_msg(json, "%s: %.*s", error.text, STR_ARG(line));
    return json;
}

/* The value at a path with '/' between names. */
static const json_t *at(const json_t *json, const char *path)
{
    struct str rest = str_from(path), name;

    while (str_split(&rest, '/', &name))
        json = json_object_getn(json, name.p, name.len);
    return json;
}

#define ck_text(json, path, value) ck_assert_str_eq(json_string_value(at(json, path)), value)

START_TEST(every_field_is_found_in_its_line)
{
    struct accesslog_record record = full();
    struct logread read;

    record.shield = record.override = record.agreement = record.first_group = record.first_outcome = STR("w");
    record.queue_ns = record.first_status = record.first_duration_ns = 7;
    record.tls_subject = STR("CN=a");
    record.grpc_status = STR("OK");
    record.synthetic = STR("test");
    record.sample_rate = STR("0.5");
    ck_assert(logread_line(line_of(&record), &read));
    for (size_t i = 0; i < LOGFIELD_PARTS; i++)
        ck_assert_msg(read.at[i].len > 0, "field %zu", i);
    ck_assert(str_eq(read.at[LOGFIELD_STATUS], STR("200")));
    ck_assert(str_eq(read.at[LOGFIELD_SEVERITY], STR("\"info\"")));
    ck_assert(str_eq(read.at[LOGFIELD_VERSION], STR("\"1.2\"")));
    ck_assert(str_eq(read.at[LOGFIELD_HTTP_VERSION], STR("\"1.1\"")));
    ck_assert(str_eq(read.at[LOGFIELD_TRACE_ID], read.at[LOGFIELD_DD_TRACE_ID]));
    ck_assert_int_eq(logread_wall_ns(&read), record.wall_ns);
}
END_TEST

START_TEST(fields_may_stand_in_any_order_among_others)
{
    struct logread read;

    ck_assert(logread_line(
        STR("{\"x\":[1,{\"status\":2}],\"network\":{\"client\":{\"port\":5},\"z\":\"\\\"}\"},\"http\":"
            "{},\"status\":\"info\",\"timestamp\":\"t\",\"dd\":7}"),
        &read));
    ck_assert(str_eq(read.at[LOGFIELD_CLIENT_PORT], STR("5")));
    ck_assert(str_eq(read.at[LOGFIELD_SEVERITY], STR("\"info\"")));
    ck_assert(str_eq(read.at[LOGFIELD_TIMESTAMP], STR("\"t\"")));
    ck_assert_ptr_null(read.at[LOGFIELD_STATUS].p);
    ck_assert_int_eq(logread_wall_ns(&read), 0);
}
END_TEST

START_TEST(a_line_that_is_cut_is_refused_wherever_the_cut_is)
{
    struct accesslog_record record = full();
    struct str line = line_of(&record);
    struct logread read;

    for (size_t len = 0; len < line.len - 1; len++) {
        char *piece = mem_strndup(line.p, len);

        ck_assert_msg(!logread_line((struct str){piece, len}, &read), "%s", piece);
        free(piece);
    }
}
END_TEST

START_TEST(noise_is_read_without_harm)
{
    static const char alphabet[] = "{}[]\",:\\u0a1 \n";
    struct rnd rnd;

    rnd_init(&rnd);
    for (int i = 0; i < 20000; i++) {
        size_t len = rnd_below(&rnd, 40);
        char *noise = mem_alloc(len + 1);
        struct logread read;
        char block[256];
        struct buf out;

        for (size_t k = 0; k < len; k++)
            noise[k] = alphabet[rnd_below(&rnd, sizeof alphabet - 1)];
        noise[len] = '\0';
        if (logread_line((struct str){noise, len}, &read))
            logread_parts(&read);
        buf_init(&out, block, sizeof block);
        logplain_text((struct str){noise, len}, &out);
        logread_decode((struct str){noise, len}, &out);
        free(noise);
    }
}
END_TEST

START_TEST(ecs_has_the_names_of_elastic)
{
    struct accesslog_record record = full();
    json_t *json = parse(written(CONFIG_LOG_ECS, &record, STR_NULL));

    ck_text(json, "@timestamp", "2025-11-21T06:00:00.123Z");
    ck_text(json, "platform", "fargate");
    ck_text(json, "service/name", "svc");
    ck_text(json, "service/environment", "prd");
    ck_text(json, "log/level", "info");
    ck_text(json, "event/outcome", "success");
    ck_text(json, "event/kind", "event");
    ck_text(json, "ecs/version", "8.11.0");
    ck_assert_int_eq(json_integer_value(at(json, "event/duration")), 1234567890);
    ck_assert_int_eq(json_integer_value(at(json, "http/response/status_code")), 200);
    ck_text(json, "http/request/headers/x-b", "}\"{");
    ck_text(json, "url/domain", "a.example");
    ck_text(json, "url/path", "/x y");
    ck_text(json, "url/query", "y=\"1\"\\\xc3\xbf");
    ck_text(json, "client/ip", "2001:db8::9");
    ck_text(json, "trace/id", "0123456789abcdef0123456789abcdef");
    ck_assert_int_eq(json_integer_value(at(json, "penstock/phases/first_byte")), 30000000);
    ck_assert_ptr_null(at(json, "penstock/sample_rate"));
    json_decref(json);
}
END_TEST

START_TEST(otel_has_resource_and_flat_attributes)
{
    struct accesslog_record record = full();
    json_t *json = parse(written(CONFIG_LOG_OTEL, &record, STR("0.1000")));
    const json_t *attributes = at(json, "attributes");

    ck_text(json, "timestamp", "2025-11-21T06:00:00.123Z");
    ck_text(json, "platform", "fargate");
    ck_text(json, "severity_text", "info");
    ck_assert_int_eq(json_integer_value(at(json, "severity_number")), 9);
    ck_text(json, "resource/service.name", "svc");
    ck_text(json, "trace_id", "0123456789abcdef0123456789abcdef");
    ck_text(attributes, "http.request.method", "GET");
    ck_assert(json_number_value(at(attributes, "http.server.request.duration")) == 1.234567);
    ck_assert(json_number_value(at(attributes, "penstock.sample_rate")) == 0.1);
    ck_assert_str_eq(json_string_value(json_array_get(at(attributes, "http.response.header.x-cache"), 0)),
                     "HIT");
    json_decref(json);
}
END_TEST

START_TEST(objects_without_members_are_left_out)
{
    struct accesslog_record record = {0};
    json_t *json = parse(written(CONFIG_LOG_ECS, &record, STR_NULL));

    ck_assert_ptr_null(at(json, "service"));
    ck_assert_ptr_null(at(json, "tls"));
    json_decref(json);
    json_decref(parse(written(CONFIG_LOG_OTEL, &record, STR_NULL)));
}
END_TEST

START_TEST(json_stays_as_it_is_but_for_a_sample_rate)
{
    struct accesslog_record record = full();
    char *line = mem_strndup(line_of(&record).p, line_of(&record).len - 1);
    struct str same = written(CONFIG_LOG_JSON, &record, STR_NULL);
    json_t *json;

    ck_assert(str_eq(same, str_from(line)));
    json = parse(written(CONFIG_LOG_JSON, &record, STR("0.2500")));
    ck_assert(json_number_value(at(json, "sample_rate")) == 0.25);
    json_decref(json);
    free(line);
}
END_TEST

START_TEST(ltsv_has_labels_and_no_other_tabs)
{
    struct accesslog_record record = full();
    struct str rest = written(CONFIG_LOG_LTSV, &record, STR_NULL), field;
    bool agent = false, cache = false, uri = false;

    while (str_split(&rest, '\t', &field)) {
        ck_assert_ptr_nonnull(memchr(field.p, ':', field.len));
        agent |= str_eq(field, STR("ua:tab\\x09here"));
        cache |= str_eq(field, STR("res_x-cache:HIT"));
        uri |= str_eq(field, STR("uri:/x y"));
    }
    ck_assert(agent && cache && uri);
}
END_TEST

START_TEST(alb_has_thirty_fields_in_their_places)
{
    struct accesslog_record record = full();
    struct str line = written(CONFIG_LOG_ALB, &record, STR_NULL);
    char *text = mem_strndup(line.p, line.len);

    ck_assert_str_eq(
        text,
        "https 2025-11-21T06:00:01.357000Z app/penstock/93b61d83d3edf290 [2001:db8::9]:5555 10.0.0.1:80 "
        "0.003 0.030 0.004 "
        "200 201 10 20 \"GET https://a.example:443/x y?y=\\x221\\x22\\x5c\\xff HTTP/1.1\" \"tab\\x09here\" "
        "TLS_AES_128_GCM_SHA256 TLSv1.3 new \"Root=1-2-3\" \"a.example\" \"session-reused\" 0 "
        "2025-11-21T06:00:00.123000Z "
        "\"forward\" \"-\" \"-\" \"10.0.0.1:80\" \"201\" \"-\" \"-\" TID_ac1c81a9b942e3f700000000000015b3");
    free(text);
}
END_TEST

START_TEST(alb_says_what_was_not_dispatched)
{
    struct accesslog_record record = {
        .wall_ns = 1, .status = 400, .client_ip = STR("10.0.0.9"), .client_port = 1};
    struct str line = written(CONFIG_LOG_ALB, &record, STR_NULL);

    ck_assert_ptr_nonnull(
        memmem(line.p, line.len, " 10.0.0.9:1 - -1 -1 -1 400 - 0 0 \"- - -\" \"-\" - - - \"-\"", 50));
}
END_TEST

START_TEST(combined_has_what_nginx_writes)
{
    struct accesslog_record record = full();
    struct str line;

    record.path = STR("/x");
    record.query = STR_NULL;
    line = written(CONFIG_LOG_COMBINED, &record, STR_NULL);
    ck_assert(str_eq(
        line, STR("2001:db8::9 - - [21/Nov/2025:06:00:00 +0000] \"GET /x HTTP/1.1\" 200 20 \"http://r/\" "
                  "\"tab\\x09here\" fargate new 10.0.0.1:80 1.234567")));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logformat");
    TCase *tcase = tcase_create("logformat");

    tcase_add_test(tcase, every_field_is_found_in_its_line);
    tcase_add_test(tcase, fields_may_stand_in_any_order_among_others);
    tcase_add_test(tcase, a_line_that_is_cut_is_refused_wherever_the_cut_is);
    tcase_add_test(tcase, noise_is_read_without_harm);
    tcase_add_test(tcase, ecs_has_the_names_of_elastic);
    tcase_add_test(tcase, otel_has_resource_and_flat_attributes);
    tcase_add_test(tcase, objects_without_members_are_left_out);
    tcase_add_test(tcase, json_stays_as_it_is_but_for_a_sample_rate);
    tcase_add_test(tcase, ltsv_has_labels_and_no_other_tabs);
    tcase_add_test(tcase, alb_has_thirty_fields_in_their_places);
    tcase_add_test(tcase, alb_says_what_was_not_dispatched);
    tcase_add_test(tcase, combined_has_what_nginx_writes);
    suite_add_tcase(suite, tcase);
    return suite;
}
