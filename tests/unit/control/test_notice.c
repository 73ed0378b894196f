#include "control/notice.h"
#include "control/seal.h"

#include "../unit.h"
#include "decide/words.h"

#include <stdlib.h>

static json_t *record_of(const char *action, const char *reason, const char *rollout)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:{s:f, s:i}, s:s}", "time", "2026-11-26T06:43:17.092Z",
                     "route", "web", "rollout", rollout, "id", 12, "action", action, "reason", reason,
                     "weight", "from", 12.5, "to", 0, "text", "errors: 41 of 5,120 <b>failed</b> & more");
}

static json_t *made(const struct config_notice *conf, const char *action, const char *reason)
{
    json_t *record = record_of(action, reason, "web-1"), *json;
    struct notice notice;

    ck_assert(notice_make(&notice, conf, "shop", record));
    ck_assert_str_eq(notice.id, "web-12-20261126T064317092Z");
    json = json_loads(notice.body, 0, NULL);
    ck_assert_ptr_nonnull(json);
    notice_fini(&notice);
    json_decref(record);
    return json;
}

/* A text in the JSON: "payload.class", "blocks.0.type". */
static void ck_text(const json_t *json, const char *path, const char *expected)
{
    struct str rest = str_from(path), key;
    char name[32];

    while (str_split(&rest, '.', &key)) {
        snprintf(name, sizeof name, "%.*s", (int)key.len, key.p);
        json =
            json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10)) : json_object_get(json, name);
    }
    ck_assert_msg(json_is_string(json), "%s", path);
    ck_assert_str_eq(json_string_value(json), expected);
}

START_TEST(a_generic_notice_is_the_record)
{
    struct config_notice conf = {.kind = CONFIG_NOTICE_GENERIC};
    json_t *record = record_of("rollback", "regression", "web-1");
    json_t *json = made(&conf, "rollback", "regression");

    ck_assert(json_equal(json, record));
    json_decref(json);
    json_decref(record);
}
END_TEST

START_TEST(slack_gets_text_and_blocks_without_its_own_marks)
{
    struct config_notice conf = {.kind = CONFIG_NOTICE_SLACK};
    json_t *json = made(&conf, "rollback", "regression");

    ck_text(json, "text", "web: rollback, 12.5 % to 0 % (regression)");
    ck_text(json, "blocks.0.type", "section");
    ck_text(json, "blocks.0.text.type", "mrkdwn");
    ck_text(json, "blocks.0.text.text",
            "*web: rollback, 12.5 % to 0 % (regression)*\n"
            "errors: 41 of 5,120 &lt;b&gt;failed&lt;/b&gt; &amp; more");
    ck_text(json, "blocks.1.elements.0.text", "shop | 2026-11-26T06:43:17.092Z | web-1");
    json_decref(json);
}
END_TEST

static char routing_key[] = "0123456789abcdef0123456789abcdef";

START_TEST(pagerduty_opens_an_alert_and_resolves_it_by_the_same_key)
{
    struct config_notice conf = {.kind = CONFIG_NOTICE_PAGERDUTY, .routing_key = routing_key};
    json_t *json = made(&conf, "rollback", "regression");

    ck_text(json, "routing_key", conf.routing_key);
    ck_text(json, "event_action", "trigger");
    ck_text(json, "dedup_key", "penstock/shop/web-1");
    ck_text(json, "payload.severity", "critical");
    ck_text(json, "payload.source", "shop");
    ck_text(json, "payload.component", "web");
    ck_text(json, "payload.class", "regression");
    ck_text(json, "payload.timestamp", "2026-11-26T06:43:17.092Z");
    ck_text(json, "payload.summary",
            "web: rollback, 12.5 % to 0 % (regression): errors: 41 of 5,120 <b>failed</b> & more");
    ck_text(json, "payload.custom_details.action", "rollback");
    json_decref(json);
    json = made(&conf, "forward", "evidence");
    ck_text(json, "event_action", "resolve");
    ck_text(json, "dedup_key", "penstock/shop/web-1");
    ck_assert_ptr_null(json_object_get(json, "payload"));
    json_decref(json);
}
END_TEST

START_TEST(sns_has_the_record_as_its_message)
{
    struct config_notice conf = {.kind = CONFIG_NOTICE_SNS, .topic = (char[]){"arn:aws:sns:x:1:t"}};
    json_t *json = made(&conf, "hold", "capacity"), *message;

    ck_text(json, "Type", "Notification");
    ck_text(json, "MessageId", "web-12-20261126T064317092Z");
    ck_text(json, "TopicArn", "arn:aws:sns:x:1:t");
    ck_text(json, "Subject", "web: hold, 12.5 % to 0 % (capacity)");
    message = json_loads(json_string_value(json_object_get(json, "Message")), 0, NULL);
    ck_text(message, "reason", "capacity");
    json_decref(message);
    json_decref(json);
}
END_TEST

static bool wanted(const struct config_notice *conf, const char *action, const char *reason)
{
    json_t *record = record_of(action, reason, "web-1");
    bool is = notice_is_wanted(conf, record);

    json_decref(record);
    return is;
}

START_TEST(holds_that_end_by_themselves_are_no_news)
{
    struct config_notice conf = {.kind = CONFIG_NOTICE_GENERIC};

    ck_assert(wanted(&conf, "forward", "evidence"));
    ck_assert(wanted(&conf, "rollback", "abort"));
    ck_assert(wanted(&conf, "hold", "approval"));
    ck_assert(wanted(&conf, "hold", "sharedFailure"));
    ck_assert(!wanted(&conf, "hold", "dwell"));
    ck_assert(!wanted(&conf, "hold", "needEvidence"));
    conf.holds[0] = REASON_DWELL;
    conf.holds_len = 1;
    ck_assert(wanted(&conf, "hold", "dwell"));
    ck_assert(!wanted(&conf, "hold", "approval"));
    conf.on[0] = ACTION_ROLLBACK;
    conf.on_len = 1;
    ck_assert(!wanted(&conf, "hold", "dwell"));
    ck_assert(wanted(&conf, "rollback", "regression"));
    conf.routes = (char *[]){(char[]){"other"}};
    conf.routes_len = 1;
    ck_assert(!wanted(&conf, "rollback", "regression"));
}
END_TEST

START_TEST(nobody_is_paged_for_what_a_person_has_done)
{
    struct config_notice conf = {
        .kind = CONFIG_NOTICE_PAGERDUTY, .routing_key = routing_key, .on = {ACTION_ROLLBACK}, .on_len = 1};
    json_t *json = made(&conf, "rollback", "abort");

    ck_text(json, "event_action", "resolve");
    json_decref(json);
    ck_assert(wanted(&conf, "rollback", "regression"));
    ck_assert(!wanted(&conf, "hold", "capacity"));
    ck_assert(wanted(&conf, "forward", "evidence")); /* resolves */
    conf.on_len = 0;
    ck_assert(wanted(&conf, "hold", "capacity"));
    ck_assert(!wanted(&conf, "hold", "dwell"));
}
END_TEST

/* The example of the Standard Webhooks libraries; GitHub's signature by `openssl dgst -sha256 -hmac`. */
START_TEST(signatures_are_those_that_receivers_compute)
{
    static const char body[] = "{\"test\": 2432232314}";
    struct seal seal;

    ck_assert(seal_make(&seal, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                        1614265330, str_from(body)));
    ck_assert_str_eq(seal.lines[0], "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek");
    ck_assert_str_eq(seal.lines[1], "webhook-timestamp: 1614265330");
    ck_assert_str_eq(seal.lines[2], "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    ck_assert(seal_make(&seal, "key", "1", 1, STR("The quick brown fox jumps over the lazy dog")));
    ck_assert_str_eq(seal.lines[3],
                     "X-Hub-Signature-256: "
                     "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    ck_assert(!seal_make(&seal, "whsec_", "1", 1, STR("")));
    ck_assert(!seal_make(&seal, "", "1", 1, STR("")));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("notice");
    TCase *tcase = tcase_create("shapes");

    tcase_add_test(tcase, a_generic_notice_is_the_record);
    tcase_add_test(tcase, slack_gets_text_and_blocks_without_its_own_marks);
    tcase_add_test(tcase, pagerduty_opens_an_alert_and_resolves_it_by_the_same_key);
    tcase_add_test(tcase, sns_has_the_record_as_its_message);
    tcase_add_test(tcase, holds_that_end_by_themselves_are_no_news);
    tcase_add_test(tcase, nobody_is_paged_for_what_a_person_has_done);
    tcase_add_test(tcase, signatures_are_those_that_receivers_compute);
    suite_add_tcase(suite, tcase);
    return suite;
}
