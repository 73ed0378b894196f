/*
 * Keys for AWS, with a courier of the test: what is kept of an answer, and when it is asked for again.
 */
#include "control/awskeys.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "control/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the courier ---- */

static courier_done *done; /* of the request that waits; NULL: none does */
static void *done_arg;
static unsigned posted;

uint64_t courier_post(struct courier *courier, const struct courier_request *request)
{
    (void)courier;
    done = request->done;
    done_arg = request->arg;
    return ++posted;
}

void courier_forget(struct courier *courier, uint64_t number)
{
    (void)courier, (void)number;
    done = NULL;
}

static void answer(unsigned status, const char *content)
{
    struct courier_answer got = {.status = status, .content = str_from(content)};
    courier_done *call = done;

    ck_assert(call);
    done = NULL;
    call(done_arg, &got);
}

static void give(const char *id, const char *more)
{
    char *content = mem_printf("{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\"%s}", id, more);

    answer(200, content);
    free(content);
}

/* ---- the keys ---- */

static const int64_t noon_ns = 1795694400 * NS_PER_S; /* 2026-11-26T12:00:00Z */
static struct awskeys *keys;

static void start(void)
{
    static const char *const gone[] = {"AWS_ACCESS_KEY_ID",
                                       "AWS_SECRET_ACCESS_KEY",
                                       "AWS_SESSION_TOKEN",
                                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                       "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"};

    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        unsetenv(gone[i]);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://keys", 1);
    posted = 0;
    keys = awskeys_new(NULL);
}

static void stop(void)
{
    awskeys_free(keys);
}

/* The id so many seconds after noon; "..." while it is asked, or why there is none. */
static void check_get(int64_t after_s, const char *wanted)
{
    struct awskeys_view view = {0};
    char why[EXTERNAL_WHY_MAX] = "";

    switch (awskeys_get(keys, noon_ns + after_s * NS_PER_S, &view, why)) {
    case AWSKEYS_READY:
        ck_assert_str_eq(view.id, wanted);
        return;
    case AWSKEYS_ASKED:
        ck_assert_str_eq("...", wanted);
        return;
    case AWSKEYS_NONE:
        ck_assert_str_eq(why, wanted);
        return;
    }
}

/* What one answer with this Expiration comes to: soon, and after an hour. */
static void check_expiration(const char *expiration, const char *soon, const char *hour)
{
    start();
    check_get(0, "...");
    give("K", expiration);
    check_get(20, soon);
    check_get(3600, hour);
    stop();
}

START_TEST(the_end_of_keys_is_read_in_every_form_of_time)
{
    static const char unreadable[] =
        "no keys for AWS: the answer of their endpoint has an Expiration that is no time";

    check_expiration("", "K", "K");
    check_expiration(",\"Expiration\":null", "K", "K");
    check_expiration(",\"Expiration\":\"2026-11-26T12:30:00Z\"", "K", "...");
    check_expiration(",\"Expiration\":\"2026-11-26T12:30:00.123Z\"", "K", "...");
    check_expiration(",\"Expiration\":\"2026-11-26T12:30:00+00:00\"", "K", "...");
    check_expiration(",\"Expiration\":\"2026-11-26T21:30:00+09:00\"", "K", "...");
    check_expiration(",\"Expiration\":\"2999-01-01T00:00:00Z\"", "K", "K");
    check_expiration(",\"Expiration\":\"9999-12-31T23:59:59Z\"", "K", "K");
    check_expiration(",\"Expiration\":\"tomorrow\"", unreadable, "...");
    check_expiration(",\"Expiration\":\"2999\"", unreadable, "...");
    check_expiration(",\"Expiration\":\"\"", unreadable, "...");
    check_expiration(",\"Expiration\":7", unreadable, "...");
    check_expiration(",\"Expiration\":\"2026-11-26T11:00:00Z\"",
                     "no keys for AWS: those of their endpoint have expired", "...");
}
END_TEST

START_TEST(good_keys_stay_until_there_are_better_ones)
{
    start();
    check_get(0, "...");
    give("OLD", ",\"Expiration\":\"2026-11-26T12:10:00Z\"");
    check_get(0, "OLD");
    check_get(299, "OLD");
    ck_assert_uint_eq(posted, 1);
    check_get(300, "OLD"); /* five minutes before */
    ck_assert_uint_eq(posted, 2);
    answer(200, "{}");
    check_get(301, "OLD");
    ck_assert_uint_eq(posted, 2);
    check_get(330, "OLD");
    give("NEW", ",\"Expiration\":\"soon\"");
    check_get(331, "OLD");
    check_get(360, "OLD");
    answer(200, "no JSON");
    check_get(361, "OLD");
    check_get(390, "OLD");
    answer(500, "");
    check_get(391, "OLD");
    check_get(420, "OLD");
    ck_assert_uint_eq(posted, 6);
    give("NEW", ",\"Expiration\":\"2026-11-26T18:00:00Z\"");
    check_get(421, "NEW");
    check_get(3600, "NEW");
    ck_assert_uint_eq(posted, 6);
    stop();
}
END_TEST

START_TEST(an_endpoint_that_keeps_keys_to_their_end_is_not_asked_without_a_pause)
{
    start();
    check_get(0, "...");
    give("K", ",\"Expiration\":\"2026-11-26T12:01:10Z\"");
    for (int64_t second = 1; second < 30; second++)
        check_get(second, "K");
    ck_assert_uint_eq(posted, 1);
    check_get(30, "K");
    ck_assert_uint_eq(posted, 2);
    give("K", ",\"Expiration\":\"2026-11-26T12:01:10Z\"");
    check_get(60, "K");
    ck_assert_uint_eq(posted, 3);
    give("K", ",\"Expiration\":\"2026-11-26T12:01:10Z\"");
    check_get(69, "K");
    ck_assert_uint_eq(posted, 3);
    check_get(70, "..."); /* they are over, so nothing is paused */
    ck_assert_uint_eq(posted, 4);
    stop();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("awskeys");
    TCase *tc = tcase_create("keys");

    tcase_add_test(tc, the_end_of_keys_is_read_in_every_form_of_time);
    tcase_add_test(tc, good_keys_stay_until_there_are_better_ones);
    tcase_add_test(tc, an_endpoint_that_keeps_keys_to_their_end_is_not_asked_without_a_pause);
    suite_add_tcase(suite, tc);
    return suite;
}
