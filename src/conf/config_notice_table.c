/* What an entry of notify may have. */
#include "conf/config.h"
#include "conf/config_notice.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

static const struct word kind_words[] = {
    [CONFIG_NOTICE_GENERIC] = {"generic", "the JSON record of the decision, as GET /v1/decisions has it"},
    [CONFIG_NOTICE_SLACK] = {"slack", "a message for an incoming webhook of Slack"},
    [CONFIG_NOTICE_PAGERDUTY] = {"pagerduty",
                                 "an event (v2): what goes back or holds triggers an alert for the rollout, "
                                 "and the next step forward, or a person's abort, resolves it"},
    [CONFIG_NOTICE_SNS] = {"sns", "the record as a notification in the shape of Amazon SNS, which others "
                                  "than SNS cannot sign as it does"},
};
static const struct word_table kind_table = {kind_words, ARRAY_LEN(kind_words)};

static const struct setting on_row = {.key = "on",
                                      .type = &type_word,
                                      .width = sizeof(uint32_t),
                                      .words = &action_words,
                                      .text = "What was decided."};
static const struct setting hold_row = {.key = "holds",
                                        .type = &type_word,
                                        .width = sizeof(uint32_t),
                                        .words = &reason_words,
                                        .words_len = REASON_EXTERNAL + 1,
                                        .text = "Why it holds."};
static const struct setting route_row = {
    .key = "routes", .type = &type_name, .width = sizeof(char *), .text = "The name of a route."};

static const struct setting notice_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(config_notice, name),
     .required = true,
     .example = "chat",
     .text = "What the log, the status and the metrics call it."},
    {.key = "kind",
     .shown = true,
     .type = &type_word,
     FIELD(config_notice, kind),
     .words = &kind_table,
     .fallback = "generic",
     .text = "What is sent."},
    {.key = "url",
     .shown = true,
     .type = &type_secret,
     FIELD(config_notice, url),
     .inherits = "PagerDuty's own, for that kind",
     .example = "https://hooks.example.com/penstock",
     .text = "Where it is posted to, over HTTP or HTTPS. An address that nobody else may know stands in a "
             "file. "
             "Redirects are not followed."},
    {.key = "secret",
     .type = &type_secret,
     FIELD(config_notice, secret),
     .example = "file:hook.secret",
     .text = "Signs what is sent with HMAC-SHA256, in the fields of Standard Webhooks (webhook-id, "
             "webhook-timestamp, webhook-signature) and in X-Hub-Signature-256. whsec_ and base64, or the "
             "key as it is."},
    {.key = "routingKey",
     .type = &type_secret,
     FIELD(config_notice, routing_key),
     .example = "file:pagerduty.key",
     .text = "The integration key of a PagerDuty service."},
    {.key = "topic",
     .type = &type_string,
     FIELD(config_notice, topic),
     .max = 256,
     .example = "\"arn:aws:sns:ap-northeast-1:123456789012:rollouts\"",
     .text = "The TopicArn of notifications in the shape of SNS."},
    {.key = "on",
     .type = &schema_list,
     LIST_INSIDE(config_notice, on),
     .min = 1,
     .max = CONFIG_NOTICE_ACTIONS,
     .item = &on_row,
     .words = &action_words,
     .inherits = "all of them",
     .example = "[forward, rollback, promote]",
     .text = "Of which decisions."},
    {.key = "holds",
     .type = &schema_list,
     LIST_INSIDE(config_notice, holds),
     .min = 1,
     .max = CONFIG_NOTICE_HOLDS,
     .item = &hold_row,
     .words = &reason_words,
     .words_len = REASON_EXTERNAL + 1,
     .inherits = "all but dwell, window, frozen, needEvidence, locked and paused, which no one has to see to",
     .example = "[approval, capacity]",
     .text = "Of holds, those for which reasons."},
    {.key = "routes",
     .type = &schema_list,
     LIST(config_notice, routes),
     .min = 1,
     .max = CONFIG_ROUTES_MAX,
     .item = &route_row,
     .inherits = "all routes",
     .example = "[web]",
     .text = "Of which routes."},
    {.key = "timeout",
     .type = &type_duration,
     FIELD(config_notice, timeout_ns),
     .min = S / 10,
     .max = 60 * S,
     .fallback = "10s",
     .text = "For the whole of an attempt."},
    {.key = "retryFor",
     .type = &type_duration,
     FIELD(config_notice, retry_for_ns),
     .min = 0,
     .max = 24 * 3600 * S,
     .zero = "gives a notice up after one attempt",
     .fallback = "15m",
     .text = "How long what was not taken is tried again, with growing pauses; then it is dropped and "
             "counted. A status that "
             "says that it never will be taken (4xx but 408 and 429) ends it at once."},
};
const struct section config_notice_section = {
    SECTION(notice_rows),
    .size = sizeof(struct config_notice),
    .check = config_check_notice,
    .text = "Each has a queue of its own, in which 256 notices wait; nothing else ever waits for it. What is "
            "sent again has the same id, so a receiver may find that it knows it.",
};
