#include "export/logreader.h"

#include "../served.h"
#include "../unit.h"
#include "base/clk.h"
#include "export/logformat.h"
#include "export/logvalue.h"
#include "proxy/accesslog.h"

#include <stdlib.h>
#include <string.h>

static struct logreader *reader;

static void make_reader(void)
{
    reader = logreader_new();
}

static void free_reader(void)
{
    logreader_free(reader);
}

static struct accesslog_record request(void)
{
    struct accesslog_record r = served();

    r.severity = STR("error");
    r.host = STR("h1");
    r.outcome = STR("target_cut");
    r.blame = STR("group");
    r.duration_ns = 37123456;
    r.head_ns = 1000000;
    r.connect_ns = 2000000;
    r.first_byte_ns = 30000000;
    r.body_ns = 4000000;
    r.path = STR("/\",\"route\":\"x\t");
    r.query = STR("?a=\\");
    r.user_agent = STR("\"side\":\"stable\"\troute:x\t] \" 200 1");
    r.status = 502;
    r.bytes_read = 10;
    r.bytes_written = 20;
    return r;
}

/* The line of the record in the preset, without its LF. */
static struct str written(enum config_log_format preset, const struct accesslog_record *record)
{
    static char native[64 * 1024], block[LOGFORMAT_MAX];
    struct logformat *format = logformat_new(preset);
    struct logread read;
    struct buf line, out;

    buf_init(&line, native, sizeof native);
    accesslog_format(&line, record, ACCESSLOG_LINE_MAX);
    ck_assert(logread_line(buf_str(&line), &read));
    logread_parts(&read);
    buf_init(&out, block, sizeof block);
    logformat_write(format, buf_str(&line), &read, &out);
    logformat_free(format);
    return (struct str){out.p, out.len - 1};
}

#define ck_is(got, text) ck_assert_msg(str_eq(got, STR(text)), "%.*s", STR_ARG(got))

static const enum config_log_format named[] = {CONFIG_LOG_JSON, CONFIG_LOG_ECS, CONFIG_LOG_OTEL,
                                               CONFIG_LOG_LTSV};

START_TEST(every_preset_with_names_is_read_back_whole)
{
    struct accesslog_record record = request();
    struct logentry entry;

    ck_assert_msg(logreader_read(reader, named[_i], written(named[_i], &record), &entry), "%s", entry.why);
    ck_assert_int_eq(entry.wall_ns, record.wall_ns);
    ck_assert_int_eq(entry.duration_ns / 1000, 37123);
    ck_assert_int_eq(entry.status, 502);
    ck_assert_int_eq(entry.target_status, 200);
    ck_assert_int_eq(entry.weight, 1250);
    ck_assert_int_eq(entry.sent, 20);
    ck_assert_double_eq(entry.kept, 1);
    ck_is(entry.platform, "fargate");
    ck_is(entry.route, "web");
    ck_is(entry.group, "new");
    ck_is(entry.side, "canary");
    ck_is(entry.target, "10.0.0.1:80");
    ck_is(entry.assignment, "random");
    ck_is(entry.outcome, "target_cut");
    ck_is(entry.blame, "group");
    ck_is(entry.client, "2001:db8::9");
}
END_TEST

/* It lives on for hours, which says nothing of the target. */
START_TEST(an_upgrade_takes_as_long_as_its_answer)
{
    enum config_log_format preset = (enum config_log_format)_i;
    struct accesslog_record record = request();
    struct logentry entry;

    record.outcome = STR("upgraded");
    record.status = record.target_status = 101;
    record.body_ns = 3600 * NS_PER_S;
    record.duration_ns = 3600 * NS_PER_S + 33 * NS_PER_MS;
    ck_assert(logreader_read(reader, preset, written(preset, &record), &entry));
    ck_assert_int_eq(entry.duration_ns, preset == CONFIG_LOG_COMBINED ? -1 : 33 * NS_PER_MS);
    if (!logreader_is_named(preset))
        return;
    record.status = 200; /* over HTTP/2 */
    ck_assert(logreader_read(reader, preset, written(preset, &record), &entry));
    ck_assert_int_eq(entry.duration_ns, 33 * NS_PER_MS);
    record.duration_ns = 1; /* made up */
    ck_assert(logreader_read(reader, preset, written(preset, &record), &entry));
    ck_assert_int_eq(entry.duration_ns, -1);
}
END_TEST

/* Such a size, many times over, would be beyond any sum. */
START_TEST(a_size_that_no_answer_has_is_not_known)
{
    enum config_log_format preset = (enum config_log_format)_i;
    struct accesslog_record record = request();
    struct logentry entry;

    record.bytes_written = 1000000000000001;
    ck_assert(logreader_read(reader, preset, written(preset, &record), &entry));
    ck_assert_int_eq(entry.sent, -1);
    record.bytes_written--;
    ck_assert(logreader_read(reader, preset, written(preset, &record), &entry));
    ck_assert_int_eq(entry.sent, 1000000000000000);
}
END_TEST

START_TEST(our_line_of_alb_says_what_that_format_has_room_for)
{
    struct accesslog_record record = request();
    struct logentry entry;

    ck_assert_msg(logreader_read(reader, CONFIG_LOG_ALB, written(CONFIG_LOG_ALB, &record), &entry), "%s",
                  entry.why);
    ck_assert_int_eq(entry.wall_ns, record.wall_ns);
    ck_assert_int_eq(entry.duration_ns, 37 * NS_PER_MS);
    ck_assert_int_eq(entry.status, 502);
    ck_assert_int_eq(entry.sent, 20);
    ck_is(entry.group, "new");
    ck_is(entry.client, "2001:db8::9");
    ck_assert_ptr_null(entry.route.p);
    ck_assert_ptr_null(entry.platform.p);
    ck_assert_int_eq(entry.weight, -1);
}
END_TEST

START_TEST(our_line_of_combined_says_platform_group_and_seconds_at_its_end)
{
    struct accesslog_record record = request();
    struct logentry entry;

    ck_assert_msg(logreader_read(reader, CONFIG_LOG_COMBINED, written(CONFIG_LOG_COMBINED, &record), &entry),
                  "%s", entry.why);
    ck_assert_int_eq(entry.wall_ns, record.wall_ns / NS_PER_S * NS_PER_S);
    ck_assert_int_eq(entry.duration_ns, 37123000);
    ck_is(entry.platform, "fargate");
    ck_is(entry.group, "new");
    ck_is(entry.target, "10.0.0.1:80");
    ck_assert_ptr_null(entry.route.p);
    record.platform = record.group = record.target = STR_NULL;
    ck_assert(logreader_read(reader, CONFIG_LOG_COMBINED, written(CONFIG_LOG_COMBINED, &record), &entry));
    ck_assert_ptr_null(entry.platform.p);
}
END_TEST

START_TEST(a_preset_is_known_by_any_of_its_lines)
{
    struct accesslog_record record = request();

    for (int i = 0; i < LOGREADER_PRESETS; i++) {
        enum config_log_format preset = (enum config_log_format)i, got;

        ck_assert(logreader_guess(reader, written(preset, &record), &got));
        ck_assert_str_eq(logreader_name(got), logreader_name(preset));
        ck_assert(logreader_named(logreader_name(preset), &got));
        ck_assert_int_eq(got, preset);
    }
}
END_TEST

START_TEST(a_line_that_is_cut_anywhere_is_refused_or_says_less)
{
    struct accesslog_record record = request();

    for (int i = 0; i < LOGREADER_PRESETS; i++) {
        enum config_log_format preset = (enum config_log_format)i;
        struct str line = written(preset, &record);

        for (size_t len = 0; len < line.len; len++) {
            char *piece = memcpy(malloc(len + 1), line.p, len); /* its own, so that a sanitizer sees more */
            struct logentry entry;
            bool ok = logreader_read(reader, preset, (struct str){piece, len}, &entry);

            ck_assert(ok || entry.why);
            ck_assert_msg(
                !ok || (preset != CONFIG_LOG_JSON && preset != CONFIG_LOG_ECS && preset != CONFIG_LOG_OTEL),
                "%s at %zu", logreader_name(preset), len);
            free(piece);
        }
    }
}
END_TEST

#define AWS                                                                                                  \
    "h2 2018-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 " \
    "0.000 200 200 5 257 \"GET https://10.0.2.105:773/ HTTP/2.0\" \"curl/7.46.0\" ECDHE TLSv1.2 "            \
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "           \
    "\"Root=1-58337327-72bd00b0343d75b906739c42\" \"-\" \"-\""

START_TEST(a_load_balancers_own_line_names_the_group_by_its_arn)
{
    struct logentry entry;

    ck_assert_msg(logreader_read(reader, CONFIG_LOG_ALB, STR(AWS), &entry), "%s", entry.why);
    ck_is(entry.group, "my-targets");
    ck_is(entry.client, "10.0.1.252");
    ck_assert_int_eq(entry.duration_ns, 2 * NS_PER_MS);
    ck_assert_int_eq(entry.sent, 257);
}
END_TEST

START_TEST(others_write_less_and_nothing_is_made_up)
{
    struct logentry entry;

    ck_assert(logreader_read(
        reader, CONFIG_LOG_LTSV,
        STR("host:192.0.2.1\ttime:[21/Nov/2025:15:00:00 +0900]\tstatus:404\tsize:12\tx:y"), &entry));
    ck_assert_int_eq(entry.wall_ns, INT64_C(1763704800) * NS_PER_S);
    ck_assert_int_eq(entry.status, 404);
    ck_assert_int_eq(entry.duration_ns, -1);
    ck_is(entry.client, "192.0.2.1");
    ck_assert(
        logreader_read(reader, CONFIG_LOG_ECS,
                       STR("{\"x\":{\"y\":[1,{\"z\":\"}\"}]},\"http\":{\"response\":{\"status_code\":200}},"
                           "\"@timestamp\":\"2025-11-21T15:00:00.5+09:00\",\"event\":{\"duration\":5}}"),
                       &entry));
    ck_assert_int_eq(entry.wall_ns, INT64_C(1763704800500) * NS_PER_MS);
    ck_assert_int_eq(entry.duration_ns, 5);
    ck_assert(
        !logreader_read(reader, CONFIG_LOG_JSON, STR("{\"timestamp\":\"2025-11-21T06:00:00Z\"}"), &entry));
    ck_assert_str_eq(entry.why, "it has no status of an answer");
    ck_assert(!logreader_read(reader, CONFIG_LOG_LTSV, STR("no labels here"), &entry));
    ck_assert(logreader_is_metrics(STR("{\"_aws\":{\"Timestamp\":1}}")));
}
END_TEST

START_TEST(times_have_two_forms)
{
    static const char *const wrong[] = {"",
                                        "2025-11-21T06:00:00",
                                        "2025-13-21T06:00:00Z",
                                        "1969-11-21T06:00:00Z",
                                        "1970-01-01T08:59:59+09:00",
                                        "01/Jan/1970:00:00:00 +0001",
                                        "2200-01-01T00:00:00Z",
                                        "2025-11-21T06:00:00+9:00",
                                        "2025-11-21T06:00:00Zx",
                                        "21/nov/2025:06:00:00 +0000",
                                        "21/Nov/2025:06:00:00 0000"};
    int64_t ns;

    ck_assert(logvalue_time(STR("2025-11-21T06:00:00Z"), &ns));
    ck_assert_int_eq(ns, INT64_C(1763704800) * NS_PER_S);
    ck_assert(logvalue_time(STR("2025-11-21T01:30:00.123456789-0430"), &ns));
    ck_assert_int_eq(ns, INT64_C(1763704800123456789));
    ck_assert(logvalue_time(STR("21/Nov/2025:06:00:00 +0000"), &ns));
    ck_assert_int_eq(ns, INT64_C(1763704800) * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!logvalue_time(str_from(wrong[i]), &ns), "%s", wrong[i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logreader");
    TCase *tcase = tcase_create("logreader");

    tcase_add_checked_fixture(tcase, make_reader, free_reader);
    tcase_add_loop_test(tcase, every_preset_with_names_is_read_back_whole, 0, (int)ARRAY_LEN(named));
    tcase_add_loop_test(tcase, an_upgrade_takes_as_long_as_its_answer, 0, LOGREADER_PRESETS);
    tcase_add_loop_test(tcase, a_size_that_no_answer_has_is_not_known, 0, LOGREADER_PRESETS);
    tcase_add_test(tcase, our_line_of_alb_says_what_that_format_has_room_for);
    tcase_add_test(tcase, our_line_of_combined_says_platform_group_and_seconds_at_its_end);
    tcase_add_test(tcase, a_preset_is_known_by_any_of_its_lines);
    tcase_add_test(tcase, a_line_that_is_cut_anywhere_is_refused_or_says_less);
    tcase_add_test(tcase, a_load_balancers_own_line_names_the_group_by_its_arn);
    tcase_add_test(tcase, others_write_less_and_nothing_is_made_up);
    tcase_add_test(tcase, times_have_two_forms);
    suite_add_tcase(suite, tcase);
    return suite;
}
