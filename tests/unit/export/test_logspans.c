#include "export/logspans.h"

#include "../served.h"
#include "../unit.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SPANS(sampled) "{\"start\":5,\"sampled\":" sampled ",\"tries\":{}}"

static struct accesslog_pipe rings;
static struct accesslog worker_log;
static struct logplace place;
static struct logspans spans;
static char exported[256];

static void note_export(struct logplace *of, struct logread *read)
{
    struct str id = logread_text(read->at[LOGFIELD_REQUEST_ID]);

    ck_assert_ptr_eq(of, &place);
    ck_assert_uint_lt(strlen(exported) + id.len + 2, sizeof exported);
    strncat(exported, id.p, id.len);
    strcat(exported, " ");
}

static void set_up(void)
{
    accesslog_pipe_init(&rings, -1);
    accesslog_init(&worker_log, &rings);
    place = (struct logplace){0};
    logspans_init(&spans, &place, note_export);
    exported[0] = '\0';
}

static void tear_down(void)
{
    logspans_fini(&spans);
    accesslog_fini(&worker_log);
    accesslog_pipe_fini(&rings);
}

/* A line as a worker writes it, with the mark that goes beside it. */
static void add(const char *id, bool canary, uint32_t weight, const char *severity, const char *said)
{
    static const struct accesslog_key no_key;
    struct accesslog_record record = served();

    record.request_id = str_from(id);
    record.side = canary ? STR("canary") : STR("stable");
    record.weight = weight;
    record.severity = str_from(severity);
    record.spans = str_from(said);
    record.sampled = said && strstr(said, "true");
    ck_assert(accesslog_add(&worker_log, &record, &no_key, 0));
}

/* Takes what has been added, as the exporter hands it over. */
static void take(void)
{
    struct accesslog_chunk *chunk = worker_log.chunk;
    struct logblock *block = logblock_new(chunk->len, chunk->lines);

    memcpy(block->bytes, chunk->bytes, chunk->len);
    memcpy(block->marks, chunk->marks, chunk->lines * sizeof *chunk->marks);
    block->len = chunk->len;
    block->lines = chunk->lines;
    logspans_take(&spans, block);
    logblock_unref(block);
    chunk->len = 0;
    chunk->lines = 0;
}

static void check(const char *ids, unsigned sampled)
{
    ck_assert_str_eq(exported, ids);
    ck_assert_uint_eq(atomic_load(&place.counters.sampled), sampled);
    ck_assert_uint_eq(atomic_load(&place.counters.lost), 0);
}

START_TEST(what_is_recorded_or_has_failed_goes_out)
{
    add("recorded", false, 1000, "info", SPANS("true"));
    add("other", false, 1000, "warn", SPANS("false"));
    add("failed", false, 1000, "error", SPANS("false"));
    add("untold", false, 1000, "info", NULL);
    add("failed-untold", false, 1000, "error", NULL);
    add("both", true, 1000, "error", SPANS("true"));
    take();
    check("recorded failed both ", 3);
}
END_TEST

START_TEST(around_a_fall_of_the_weight_the_canary_goes_out_whole)
{
    add("before", true, 1000, "info", SPANS("false"));
    add("stable", false, 1000, "info", NULL);
    add("known", true, 1000, "info", SPANS("true"));
    take();
    check("known ", 1); /* what is kept of the canary is not given up yet */
    add("raised", true, 2000, "info", SPANS("false"));
    take();
    check("known ", 1);
    add("fell", false, 1999, "info", NULL);
    add("behind", true, 1999, "info", SPANS("false"));
    take();
    check("known before raised behind ", 2);
}
END_TEST

START_TEST(lines_of_metrics_have_no_marks_and_those_of_requests_have_theirs)
{
    struct logblock *metrics = logblock_new(10, 0), *requests = logblock_new(10, 3);

    ck_assert_ptr_eq(metrics->bytes, metrics->marks);
    ck_assert_ptr_eq(requests->bytes, requests->marks + 3);
    logblock_unref(metrics);
    logblock_unref(requests);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("export/logspans");
    TCase *tc = tcase_create("logspans");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, what_is_recorded_or_has_failed_goes_out);
    tcase_add_test(tc, around_a_fall_of_the_weight_the_canary_goes_out_whole);
    tcase_add_test(tc, lines_of_metrics_have_no_marks_and_those_of_requests_have_theirs);
    suite_add_tcase(suite, tc);
    return suite;
}
