#include "proxy/accesslog.h"

#include "../served.h"
#include "../unit.h"
#include "base/clk.h"
#include "base/rnd.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct accesslog_record plain(void)
{
    struct accesslog_record r = served();

    r.platform = STR("ec2");
    r.group = STR("old");
    r.side = STR("stable");
    r.query = STR("?y=1");
    r.client_ip = STR("10.0.0.9");
    r.trace_id = STR("0123456789abcdef0123456789abcdef");
    return r;
}

/* The line as JSON; it must be one line. */
static json_t *parse(struct str line)
{
    json_error_t error;
    json_t *json;

    ck_assert(line.len > 0 && line.p[line.len - 1] == '\n');
    ck_assert_ptr_eq(memchr(line.p, '\n', line.len), line.p + line.len - 1);
    json = json_loadb(line.p, line.len - 1, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    ck_assert_msg(json, "%s: %.*s", error.text, STR_ARG(line));
    return json;
}

static json_t *format(const struct accesslog_record *record, size_t cut)
{
    static char block[256 * 1024];
    struct buf line;

    buf_init(&line, block, sizeof block);
    accesslog_format(&line, record, cut);
    ck_assert(!line.full);
    return parse(buf_str(&line));
}

static const char *text(json_t *json, const char *a, const char *b)
{
    json_t *at = json_object_get(json, a);

    return json_string_value(b ? json_object_get(at, b) : at);
}

START_TEST(a_line_has_the_fields_that_the_dashboards_look_for)
{
    struct accesslog_record record = plain();
    json_t *json = format(&record, ACCESSLOG_LINE_MAX);

    ck_assert_str_eq(text(json, "timestamp", NULL), "2025-11-21T06:00:00.123Z");
    ck_assert_str_eq(text(json, "message", NULL), "GET /x 200");
    ck_assert_str_eq(text(json, "platform", NULL), "ec2");
    ck_assert_str_eq(text(json, "outcome", NULL), "served");
    ck_assert_str_eq(text(json, "http", "url"), "http://a.example/x?y=1");
    ck_assert_str_eq(text(json, "http", "method"), "GET");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "duration")), 1234567890);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "http"), "status_code")), 200);
    ck_assert(json_number_value(json_object_get(json, "weight")) == 12.5);
    ck_assert(json_number_value(json_object_get(json, "request_time")) == 1.234567);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(json_object_get(json, "network"), "client"), "ip")),
        "10.0.0.9");
    ck_assert_str_eq(text(json, "dd", "trace_id"), "0123456789abcdef0123456789abcdef");
    json_decref(json);
}
END_TEST

START_TEST(what_is_absent_is_left_out)
{
    struct accesslog_record record = plain();
    json_t *json;

    record.route = record.group = record.target = record.trace_id = STR_NULL;
    json = format(&record, ACCESSLOG_LINE_MAX);
    ck_assert_ptr_null(json_object_get(json, "route"));
    ck_assert_ptr_null(json_object_get(json, "trace_id"));
    ck_assert_ptr_nonnull(json_object_get(json, "dd"));
    ck_assert_uint_eq(json_object_size(json_object_get(json, "dd")), 0);
    json_decref(json);
    record = (struct accesslog_record){0};
    json_decref(format(&record, ACCESSLOG_LINE_MAX));
}
END_TEST

static void set_texts(struct accesslog_record *record, struct str s)
{
    record->method = record->authority = record->path = record->query = s;
    record->user_agent = record->referer = record->request_id = s;
    record->trace_id = record->span_id = s;
}

START_TEST(any_byte_anywhere_gives_valid_json)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char bytes[3] = {'a', (char)byte, 'b'};
        struct accesslog_record record = plain();

        set_texts(&record, (struct str){bytes, sizeof bytes});
        json_decref(format(&record, ACCESSLOG_LINE_MAX));
        set_texts(&record, (struct str){bytes + 1, 1});
        json_decref(format(&record, ACCESSLOG_LINE_MAX));
    }
}
END_TEST

START_TEST(random_bytes_cut_anywhere_give_valid_json)
{
    static const char *const pieces[] = {
        "\"",        "\\",       "\xc3\xa9",     "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xc3",      "\xf0\x9f", "\xed\xa0\x80", "\xc0\x80",     "\n",
        "</script>", "x",        "\x7f"};
    struct rnd rnd;

    rnd_seed(&rnd, 9);
    for (int round = 0; round < 3000; round++) {
        struct accesslog_record record = plain();
        char bytes[600];
        size_t len = 0;

        while (len < 500) {
            const char *piece = pieces[rnd_below(&rnd, ARRAY_LEN(pieces))];

            memcpy(bytes + len, piece, strlen(piece));
            len += strlen(piece);
        }
        set_texts(&record, (struct str){bytes, len});
        json_decref(format(&record, rnd_below(&rnd, 520)));
    }
}
END_TEST

/* ---- the worker's end ---- */

static struct accesslog_pipe rings;
static struct accesslog worker_log;
static const struct accesslog_key no_key;

static void set_up(void)
{
    accesslog_pipe_init(&rings, eventfd(0, EFD_NONBLOCK));
    accesslog_init(&worker_log, &rings);
}

static void tear_down(void)
{
    accesslog_fini(&worker_log);
    close(rings.wake_fd);
    accesslog_pipe_fini(&rings);
}

static bool was_woken(void)
{
    uint64_t count;

    return read(rings.wake_fd, &count, sizeof count) == sizeof count;
}

static size_t check_chunk(const struct accesslog_chunk *chunk)
{
    const char *at = chunk->bytes, *end = chunk->bytes + chunk->len;
    uint32_t lines = 0;

    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));

        ck_assert_ptr_nonnull(lf);
        json_decref(parse((struct str){at, (size_t)(lf + 1 - at)}));
        at = lf + 1;
        lines++;
    }
    ck_assert_uint_eq(lines, chunk->lines);
    return lines;
}

START_TEST(lines_go_out_when_they_are_a_second_old)
{
    struct accesslog_record record = plain();
    struct accesslog_chunk *chunk;

    accesslog_flush(&worker_log, 0, true);
    ck_assert(!was_woken());
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 5 * NS_PER_S));
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 5 * NS_PER_S + 1));
    accesslog_flush(&worker_log, 6 * NS_PER_S - 1, false);
    ck_assert_ptr_null(ring_pop(&rings.full));
    accesslog_flush(&worker_log, 6 * NS_PER_S, false);
    ck_assert(was_woken());
    chunk = ring_pop(&rings.full);
    ck_assert_uint_eq(check_chunk(chunk), 2);
    ck_assert(ring_push(&rings.empty, chunk));
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 7 * NS_PER_S));
    ck_assert_ptr_eq(worker_log.chunk, chunk); /* it came back */
    ck_assert_uint_eq(check_chunk(chunk), 1);
    accesslog_flush(&worker_log, 7 * NS_PER_S, true);
    ck_assert_ptr_eq(ring_pop(&rings.full), chunk);
    free(chunk);
}
END_TEST

START_TEST(labels_are_formatted_once_for_a_key)
{
    struct accesslog_key key = {.version = 7, .route = &rings, .target = &worker_log, .ending = 3};
    struct accesslog_record record = plain(), short_record = plain();
    struct str line, again;
    struct buf buf;
    char *block = malloc(ACCESSLOG_LINE_MAX);

    ck_assert_uint_eq(accesslog_labels(&worker_log, &key).len, 0);
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    line = (struct str){worker_log.chunk->bytes, worker_log.chunk->len};
    short_record.labels = accesslog_labels(&worker_log, &key);
    ck_assert_uint_gt(short_record.labels.len, 0);
    short_record.platform = short_record.outcome = short_record.severity = STR("not looked at");
    buf_init(&buf, block, ACCESSLOG_LINE_MAX);
    accesslog_format(&buf, &short_record, ACCESSLOG_LINE_MAX);
    again = buf_str(&buf);
    ck_assert(str_eq(line, again));
    free(block);
    /* any other key, or none */
    for (unsigned change = 0; change < 5; change++) {
        struct accesslog_key other = key;

        other.version += change == 0;
        other.route = change == 1 ? &other : key.route;
        other.group = change == 2 ? &other : key.group;
        other.target = change == 3 ? (const void *)(&worker_log + 64) : key.target;
        other.ending += change == 4;
        ck_assert_uint_eq(accesslog_labels(&worker_log, &other).len, 0);
    }
    ck_assert_uint_eq(accesslog_labels(&worker_log, &no_key).len, 0);
}
END_TEST

static void check_mark(const struct accesslog_chunk *chunk, uint32_t line, uint32_t facts)
{
    const struct accesslog_mark *mark = &chunk->marks[line];

    ck_assert_uint_lt(line, chunk->lines);
    ck_assert_uint_eq(mark->facts, facts);
    ck_assert_uint_eq(mark->weight, 1250);
    ck_assert_uint_eq(mark->route, accesslog_route(STR("web")));
}

START_TEST(a_mark_beside_each_line_says_what_the_line_says)
{
    struct accesslog_key key = {.version = 7, .target = &rings};
    struct accesslog_record record = plain(), other = plain();
    size_t len = 0;

    record.side = STR("canary");
    record.severity = STR("error");
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    record.labels = accesslog_labels(&worker_log, &key);
    ck_assert_uint_gt(record.labels.len, 0);
    record.side = record.severity = record.route = STR_NULL; /* are not looked at */
    record.sampled = true;                                   /* of what is not told */
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    record.spans = STR("{}");
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    record.sampled = false;
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    ck_assert(accesslog_add(&worker_log, &other, &no_key, 0));
    check_mark(worker_log.chunk, 0, ACCESSLOG_CANARY | ACCESSLOG_FAILED);
    check_mark(worker_log.chunk, 1, ACCESSLOG_CANARY | ACCESSLOG_FAILED);
    check_mark(worker_log.chunk, 2,
               ACCESSLOG_CANARY | ACCESSLOG_FAILED | ACCESSLOG_SPANS | ACCESSLOG_SAMPLED);
    check_mark(worker_log.chunk, 3, ACCESSLOG_CANARY | ACCESSLOG_FAILED | ACCESSLOG_SPANS);
    check_mark(worker_log.chunk, 4, 0);
    for (uint32_t i = 0; i < worker_log.chunk->lines; i++) {
        len += worker_log.chunk->marks[i].len;
        ck_assert_int_eq(worker_log.chunk->bytes[len - 1], '\n');
    }
    ck_assert_uint_eq(len, worker_log.chunk->len);
    ck_assert_uint_eq(check_chunk(worker_log.chunk), 5);
}
END_TEST

START_TEST(a_chunk_of_many_short_lines_goes_out_too)
{
    struct accesslog_record record = {0};

    for (unsigned i = 0; i < ACCESSLOG_CHUNK_LINES; i++) {
        ck_assert(accesslog_add(&worker_log, &record, &no_key, 0));
        worker_log.chunk->len = 0; /* as if they took no room */
    }
    ck_assert_ptr_null(ring_pop(&rings.full));
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 0));
    ck_assert_uint_eq(worker_log.chunk->lines, 1);
    free(ring_pop(&rings.full));
}
END_TEST

START_TEST(labels_that_are_too_long_are_formatted_each_time)
{
    static char name[ACCESSLOG_LABELS_MAX];
    struct accesslog_key key = {.version = 7};
    struct accesslog_record record = plain();

    memset(name, 'x', sizeof name);
    record.route = (struct str){name, sizeof name};
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    ck_assert_uint_eq(accesslog_labels(&worker_log, &key).len, 0);
    ck_assert(accesslog_add(&worker_log, &record, &key, 0));
    ck_assert_uint_eq(check_chunk(worker_log.chunk), 2);
}
END_TEST

START_TEST(a_full_chunk_goes_out_at_once)
{
    struct accesslog_record record = plain();
    struct accesslog_chunk *chunk;
    size_t added = 0;

    while (!(chunk = ring_pop(&rings.full))) {
        ck_assert(accesslog_add(&worker_log, &record, &no_key, 0));
        added++;
    }
    ck_assert(was_woken());
    ck_assert_uint_eq(check_chunk(chunk), added - 1);
    ck_assert_uint_gt(chunk->len, ACCESSLOG_CHUNK_BYTES - 2 * ACCESSLOG_LINE_MAX);
    free(chunk);
}
END_TEST

START_TEST(when_the_exporter_is_behind_lines_are_dropped_and_then_go_on)
{
    struct accesslog_record record = plain();
    struct accesslog_chunk *chunk;
    size_t added = 0, taken = 0;

    while (accesslog_add(&worker_log, &record, &no_key, 0))
        added++;
    ck_assert_uint_eq(worker_log.chunks, ACCESSLOG_CHUNKS);
    ck_assert(!accesslog_add(&worker_log, &record, &no_key, 0));
    accesslog_flush(&worker_log, 0, true);
    chunk = ring_pop(&rings.full);
    taken = check_chunk(chunk);
    ck_assert(ring_push(&rings.empty, chunk));
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 0)); /* a chunk came back */
    added++;
    accesslog_flush(&worker_log, 0, true);
    while ((chunk = ring_pop(&rings.full))) {
        taken += check_chunk(chunk);
        ck_assert(ring_push(&rings.empty, chunk));
    }
    ck_assert_uint_eq(taken, added);
    ck_assert_uint_eq(worker_log.chunks, ACCESSLOG_CHUNKS);
}
END_TEST

START_TEST(a_line_that_is_too_long_has_its_texts_cut)
{
    static char quotes[20000];
    struct accesslog_record record = plain();
    json_t *json;

    memset(quotes, '"', sizeof quotes); /* each takes two bytes */
    set_texts(&record, (struct str){quotes, sizeof quotes});
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 0));
    ck_assert_uint_le(worker_log.chunk->len, ACCESSLOG_LINE_MAX);
    json = parse((struct str){worker_log.chunk->bytes, worker_log.chunk->len});
    ck_assert_uint_eq(strlen(text(json, "http", "useragent")), ACCESSLOG_CUT);
    ck_assert_str_eq(text(json, "platform", NULL), "ec2");
    json_decref(json);
}
END_TEST

/* The worst that a parsed head can have in each text. */
START_TEST(the_most_hostile_head_fits_when_it_is_cut)
{
    static char bytes[20000], visible[20000];
    struct accesslog_record record = plain();

    memset(bytes, 0xff, sizeof bytes); /* each takes six */
    memset(visible, '\\', sizeof visible);
    set_texts(&record, (struct str){visible, sizeof visible});
    record.user_agent = record.referer = (struct str){bytes, sizeof bytes};
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 0));
    json_decref(parse((struct str){worker_log.chunk->bytes, worker_log.chunk->len}));
}
END_TEST

START_TEST(a_line_that_does_not_fit_even_so_is_dropped_whole)
{
    static char label[20000];
    struct accesslog_record record = plain(), ok = plain();

    memset(label, 'x', sizeof label);
    record.env = (struct str){label, sizeof label};
    ck_assert(
        !accesslog_add(&worker_log, &record, &no_key, 0)); /* a chunk without a line: tear_down frees it */
    ck_assert(!accesslog_add(&worker_log, &record, &no_key, 0));
    accesslog_flush(&worker_log, 0, true);
    ck_assert_ptr_null(ring_pop(&rings.full));
    ck_assert(accesslog_add(&worker_log, &ok, &no_key, 0));
    ck_assert_uint_eq(check_chunk(worker_log.chunk), 1);
}
END_TEST

START_TEST(without_an_exporter_no_record_is_wanted)
{
    int fd = rings.wake_fd;

    ck_assert(accesslog_wanted(&worker_log));
    rings.wake_fd = -1;
    ck_assert(!accesslog_wanted(&worker_log));
    rings.wake_fd = fd;
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("accesslog");
    TCase *lines = tcase_create("lines"), *chunks = tcase_create("chunks");

    tcase_add_test(lines, a_line_has_the_fields_that_the_dashboards_look_for);
    tcase_add_test(lines, what_is_absent_is_left_out);
    tcase_add_test(lines, any_byte_anywhere_gives_valid_json);
    tcase_add_test(lines, random_bytes_cut_anywhere_give_valid_json);
    suite_add_tcase(suite, lines);
    tcase_add_checked_fixture(chunks, set_up, tear_down);
    tcase_add_test(chunks, lines_go_out_when_they_are_a_second_old);
    tcase_add_test(chunks, labels_are_formatted_once_for_a_key);
    tcase_add_test(chunks, a_mark_beside_each_line_says_what_the_line_says);
    tcase_add_test(chunks, a_chunk_of_many_short_lines_goes_out_too);
    tcase_add_test(chunks, labels_that_are_too_long_are_formatted_each_time);
    tcase_add_test(chunks, a_full_chunk_goes_out_at_once);
    tcase_add_test(chunks, when_the_exporter_is_behind_lines_are_dropped_and_then_go_on);
    tcase_add_test(chunks, a_line_that_is_too_long_has_its_texts_cut);
    tcase_add_test(chunks, the_most_hostile_head_fits_when_it_is_cut);
    tcase_add_test(chunks, a_line_that_does_not_fit_even_so_is_dropped_whole);
    tcase_add_test(chunks, without_an_exporter_no_record_is_wanted);
    suite_add_tcase(suite, chunks);
    return suite;
}
