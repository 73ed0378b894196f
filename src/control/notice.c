#include "control/notice.h"

#include "base/str.h"
#include "decide/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUMMARY_MAX = 1024, /* PagerDuty's payload.summary */
    SUBJECT_MAX = 100,  /* of SNS, with NUL */
    DEDUP_MAX = 256,    /* PagerDuty's dedup_key, with NUL */
    SLACK_MAX = 3000,   /* of a text in a block */
    SLACK_TRACES = 5,   /* that are named */
};

static const char *member(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

static bool is(const json_t *record, const char *key, const char *word)
{
    return strcmp(member(record, key), word) == 0;
}

/* ---- who wants what
 * -------------------------------------------------------------------------------------- */

/* Holds that end by themselves, or that a person has ordered. */
static bool is_routine(enum reason reason)
{
    return reason == REASON_DWELL || reason == REASON_WINDOW || reason == REASON_FROZEN ||
           reason == REASON_NEED_EVIDENCE || reason == REASON_LOCKED || reason == REASON_PAUSED;
}

static bool has(const uint32_t *list, size_t len, size_t constant)
{
    for (size_t i = 0; i < len; i++)
        if (list[i] == constant)
            return true;
    return false;
}

static bool is_of_route(const struct config_notice *conf, const json_t *record)
{
    for (size_t i = 0; i < conf->routes_len; i++)
        if (is(record, "route", conf->routes[i]))
            return true;
    return conf->routes_len == 0;
}

static bool is_of_kind(const struct config_notice *conf, const json_t *record)
{
    size_t action, reason;

    if (!word_parse(&action_words, str_from(member(record, "action")), &action) ||
        !word_parse(&reason_words, str_from(member(record, "reason")), &reason))
        return false;
    if (conf->on_len > 0 && !has(conf->on, conf->on_len, action))
        return false;
    if (action != ACTION_HOLD)
        return true;
    return conf->holds_len > 0 ? has(conf->holds, conf->holds_len, reason) : !is_routine((enum reason)reason);
}

/* A person knows what they have done. */
static bool is_ordered(const json_t *record)
{
    return is(record, "reason", word_name(&reason_words, REASON_ABORT)) ||
           is(record, "reason", word_name(&reason_words, REASON_MANUAL));
}

bool notice_alerts(const struct config_notice *conf, const json_t *record)
{
    bool bad =
        is(record, "action", "rollback") || is(record, "action", "retreat") || is(record, "action", "hold");

    return conf->kind == CONFIG_NOTICE_PAGERDUTY && bad && !is_ordered(record) && is_of_kind(conf, record);
}

/* What goes forward is well; what a person has sent back is in their hands. */
static bool resolves(const json_t *record)
{
    return is(record, "action", "forward") || is(record, "action", "promote") ||
           (is(record, "action", "rollback") && is_ordered(record));
}

bool notice_is_wanted(const struct config_notice *conf, const json_t *record)
{
    if (!is_of_route(conf, record))
        return false;
    if (conf->kind == CONFIG_NOTICE_PAGERDUTY)
        return member(record, "rollout")[0] && (notice_alerts(conf, record) || resolves(record));
    return is_of_kind(conf, record);
}

/* ---- texts
 * ----------------------------------------------------------------------------------------------- */

/* The route, the number of the decision and its time, of which the number alone may begin anew. */
static void make_id(char id_r[static NOTICE_ID_MAX], const json_t *record)
{
    struct buf buf;

    buf_init(&buf, id_r, NOTICE_ID_MAX - 1);
    buf_printf(&buf, "%.64s-%" JSON_INTEGER_FORMAT "-", member(record, "route"),
               json_integer_value(json_object_get(record, "id")));
    for (const char *p = member(record, "time"); *p; p++)
        if ((*p >= '0' && *p <= '9') || *p == 'T' || *p == 'Z')
            buf_char(&buf, *p);
    id_r[buf.len] = '\0';
}

/* "web: rollback, 25 % to 0 % (regression)" */
static void make_title(struct text *title, const json_t *record)
{
    const json_t *weight = json_object_get(record, "weight");
    double from = json_number_value(json_object_get(weight, "from"));
    double to = json_number_value(json_object_get(weight, "to"));

    text_printf(title, "%s: %s, ", member(record, "route"), member(record, "action"));
    if (from == to)
        text_printf(title, "at %g %%", to);
    else
        text_printf(title, "%g %% to %g %%", from, to);
    text_printf(title, " (%s)", member(record, "reason"));
}

static json_t *text_json(struct text *text)
{
    json_t *json = json_stringn(text->p ? text->p : "", text->len);

    text_fini(text);
    return json;
}

/* Title and text on one line, of at most `max` bytes. */
static json_t *summary_of(const json_t *record, size_t max)
{
    struct text text;

    text_init(&text, max);
    make_title(&text, record);
    text_printf(&text, ": %s", member(record, "text"));
    return text_json(&text);
}

/* ---- Slack
 * ----------------------------------------------------------------------------------------------- */

/* Of the characters that mean something in mrkdwn these three are escaped; the others can only look wrong. */
static void escape(struct text *out, const char *s)
{
    for (; *s; s++)
        if (*s == '&')
            text_printf(out, "&amp;");
        else if (*s == '<')
            text_printf(out, "&lt;");
        else if (*s == '>')
            text_printf(out, "&gt;");
        else
            text_add(out, s, 1);
}

static json_t *mrkdwn(struct text *text)
{
    return json_pack("{s:s, s:o}", "type", "mrkdwn", "text", text_json(text));
}

/* Where to look first. */
static void add_traces(struct text *out, const json_t *record)
{
    const json_t *examples = json_object_get(record, "examples");

    for (size_t i = 0; i < json_array_size(examples) && i < SLACK_TRACES; i++)
        text_printf(out, "%s`%.32s`",
                    i ? ", " : "\nTraces of failures: ", member(json_array_get(examples, i), "traceId"));
}

static json_t *slack(const json_t *record, const char *service)
{
    struct text title, body, foot;
    json_t *plain;

    text_init(&title, SLACK_MAX);
    make_title(&title, record);
    plain = json_stringn(title.p, title.len);
    text_init(&body, SLACK_MAX);
    text_printf(&body, "*");
    escape(&body, title.p);
    text_printf(&body, "*\n");
    escape(&body, member(record, "text"));
    add_traces(&body, record);
    text_fini(&title);
    text_init(&foot, SLACK_MAX);
    escape(&foot, service);
    text_printf(&foot, " | %s | ", member(record, "time"));
    escape(&foot, member(record, "rollout"));
    return json_pack("{s:o, s:[{s:s, s:o}, {s:s, s:[o]}]}", "text", plain, "blocks", "type", "section",
                     "text", mrkdwn(&body), "type", "context", "elements", mrkdwn(&foot));
}

/* ---- PagerDuty
 * ------------------------------------------------------------------------------------------- */

static json_t *event(const struct config_notice *conf, const char *service, const char *what,
                     const char *rollout)
{
    char dedup[DEDUP_MAX];

    snprintf(dedup, sizeof dedup, "penstock/%s/%s", service, rollout);
    return json_pack("{s:s, s:s, s:s, s:s}", "routing_key", conf->routing_key, "event_action", what,
                     "dedup_key", dedup, "client", "penstock");
}

static json_t *pagerduty(const struct config_notice *conf, const json_t *record, const char *service)
{
    bool alerts = notice_alerts(conf, record);
    json_t *json = event(conf, service, alerts ? "trigger" : "resolve", member(record, "rollout"));
    const char *severity = is(record, "action", "rollback")  ? "critical"
                           : is(record, "action", "retreat") ? "error"
                                                             : "warning";

    if (alerts)
        json_object_set_new(json, "payload",
                            json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "summary",
                                      summary_of(record, SUMMARY_MAX), "source", service, "severity",
                                      severity, "timestamp", member(record, "time"), "component",
                                      member(record, "route"), "group", service, "class",
                                      member(record, "reason"), "custom_details", record));
    return json;
}

/* ---- SNS
 * ------------------------------------------------------------------------------------------------- */

static json_t *sns(const struct config_notice *conf, const json_t *record, const char *id)
{
    char *message = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(12));
    struct text subject;
    json_t *json;

    text_init(&subject, SUBJECT_MAX);
    make_title(&subject, record);
    json = json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "Type", "Notification", "MessageId", id, "TopicArn",
                     conf->topic, "Subject", text_json(&subject), "Message", message, "Timestamp",
                     member(record, "time"));
    free(message);
    return json;
}

/* ---- all of them
 * ----------------------------------------------------------------------------------------- */

/* Takes the reference. */
static bool finish(struct notice *notice, json_t *json)
{
    notice->body = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(json);
    return notice->body != NULL;
}

bool notice_make(struct notice *notice_r, const struct config_notice *conf, const char *service,
                 const json_t *record)
{
    make_id(notice_r->id, record);
    switch (conf->kind) {
    case CONFIG_NOTICE_GENERIC:
        return finish(notice_r, json_deep_copy(record));
    case CONFIG_NOTICE_SLACK:
        return finish(notice_r, slack(record, service));
    case CONFIG_NOTICE_PAGERDUTY:
        return finish(notice_r, pagerduty(conf, record, service));
    case CONFIG_NOTICE_SNS:
        return finish(notice_r, sns(conf, record, notice_r->id));
    }
    BUG("notice of kind %d", (int)conf->kind);
}

bool notice_resolve(struct notice *notice_r, const struct config_notice *conf, const char *service,
                    const char *rollout, const json_t *record)
{
    make_id(notice_r->id, record);
    return finish(notice_r, event(conf, service, "resolve", rollout));
}

void notice_fini(struct notice *notice)
{
    free(notice->body);
    notice->body = NULL;
}

const char *notice_content_type(enum config_notice_kind kind)
{
    return kind == CONFIG_NOTICE_SNS ? "Content-Type: text/plain; charset=UTF-8"
                                     : "Content-Type: application/json";
}
