#include "control/notifier.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/notice.h"
#include "control/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS     NS_PER_S        /* before the second attempt; then twice as long, and so on, */
#define PAUSE_MAX_NS (60 * NS_PER_S) /* up to this */

/* A notice in a queue. */
struct letter {
    struct letter *next;
    struct notice notice;
    int64_t until_ns; /* monotonic: then it is too old to be tried again */
};

/* An alert of PagerDuty that has not been resolved: of a route, by which rollout. */
struct alert {
    struct alert *next;
    char *route, *rollout;
};

/* A receiver. */
struct mailbox {
    struct notifier *notifier;
    const struct config_notice *conf; /* in notifier->config */
    struct letter *first, *last;
    size_t len;
    uint64_t call;  /* the first letter is under way; 0: it is not */
    int64_t due_ns; /* monotonic: the next attempt */
    unsigned tries; /* of the first letter, so far */
    struct alert *alerts;
    uint64_t sent, retried, dropped;
    char problem[NOTIFIER_WHY_MAX];
};

struct notifier {
    struct board *board;
    struct courier *courier;
    struct config *config; /* a reference: that of the mailboxes */
    struct mailbox *boxes[CONFIG_NOTICES_MAX];
    size_t len;
    struct rnd rnd;
};

/* ---- the queue
 * ------------------------------------------------------------------------------------------- */

/* Takes the letter behind `before` (NULL: the first) out and frees it. */
static void take_out(struct mailbox *box, struct letter *before)
{
    struct letter **link = before ? &before->next : &box->first;
    struct letter *letter = *link;

    if (!letter)
        return;
    *link = letter->next;
    if (box->last == letter)
        box->last = before;
    box->len--;
    notice_fini(&letter->notice);
    free(letter);
}

/* The same with one that nobody will get; `id` is its own. */
static void drop(struct mailbox *box, struct letter *before, const char *id, const char *why)
{
    box->dropped++;
    log_warn("notify %s: notice %s was dropped: %s", box->conf->name, id, why);
    take_out(box, before);
}

static void drop_first(struct mailbox *box, const char *why)
{
    drop(box, NULL, box->first->notice.id, why);
    box->tries = 0;
    box->due_ns = 0;
}

/* The oldest goes, unless it is under way or being tried again. */
static void make_room(struct mailbox *box)
{
    struct letter *first = box->first;

    if (box->len >= NOTIFIER_QUEUE_MAX && first && first->next)
        drop(box, first, first->next->notice.id, "too many wait for this receiver");
}

static void put(struct mailbox *box, const struct notice *notice)
{
    struct letter *letter = mem_zalloc(sizeof *letter);

    make_room(box);
    letter->notice = *notice;
    letter->until_ns = box->notifier->board->now_ns + box->conf->retry_for_ns;
    if (box->last)
        box->last->next = letter;
    else
        box->first = letter;
    box->last = letter;
    box->len++;
}

/* ---- an attempt
 * ------------------------------------------------------------------------------------------ */

static void send_first(struct mailbox *box);

/* 4xx say that it is the notice that is wrong, but for those that say "not now". */
static bool is_final(unsigned status)
{
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void note_problem(struct mailbox *box, const struct courier_answer *answer)
{
    bool first = box->problem[0] == '\0';

    if (answer->status)
        snprintf(box->problem, sizeof box->problem, "status %u: %s", answer->status, answer->text);
    else
        snprintf(box->problem, sizeof box->problem, "%s", answer->text);
    if (first)
        log_warn("notify %s: a notice was not taken: %s", box->conf->name, box->problem);
}

/* Between half of it and all of it, so that several of us do not come at once. */
static int64_t pause_of(struct mailbox *box, const struct courier_answer *answer)
{
    int64_t pause_ns = PAUSE_NS;

    for (unsigned i = 1; i < box->tries && pause_ns < PAUSE_MAX_NS; i++)
        pause_ns *= 2;
    if (pause_ns > PAUSE_MAX_NS)
        pause_ns = PAUSE_MAX_NS;
    pause_ns =
        pause_ns / 2 + rnd_below(&box->notifier->rnd, (uint32_t)(pause_ns / 2 / NS_PER_MS)) * NS_PER_MS;
    return answer->retry_after_ns > pause_ns ? answer->retry_after_ns : pause_ns;
}

static void on_answer(void *arg, const struct courier_answer *answer)
{
    struct mailbox *box = arg;
    struct board *board = box->notifier->board;

    board_now(board);
    box->call = 0;
    box->tries++;
    if (courier_is_yes(answer)) {
        if (box->problem[0])
            log_info("notify %s: notices are taken again", box->conf->name);
        box->problem[0] = '\0';
        box->sent++;
        box->tries = 0;
        box->due_ns = 0;
        take_out(box, NULL);
        send_first(box);
        return;
    }
    note_problem(box, answer);
    if (is_final(answer->status) || board->now_ns >= box->first->until_ns) {
        drop_first(box, box->problem);
        send_first(box);
        return;
    }
    box->due_ns = board->now_ns + pause_of(box, answer);
}

static void add_headers(struct courier_request *request, const struct mailbox *box, const struct seal *seal,
                        const char *sns_id)
{
    size_t n = 0;

    request->headers[n++] = notice_content_type(box->conf->kind);
    request->headers[n++] = "Expect:"; /* libcurl would ask before it sends a long body */
    if (box->conf->kind == CONFIG_NOTICE_SNS) {
        request->headers[n++] = "x-amz-sns-message-type: Notification";
        request->headers[n++] = sns_id;
    }
    for (size_t i = 0; box->conf->secret && i < SEAL_LINES; i++)
        request->headers[n++] = seal->lines[i];
}

static void send_first(struct mailbox *box)
{
    const struct letter *letter = box->first;
    struct board *board = box->notifier->board;
    struct courier_request request = {
        .url = box->conf->url, .timeout_ns = box->conf->timeout_ns, .done = on_answer, .arg = box};
    char sns_id[NOTICE_ID_MAX + 32];
    struct seal seal;

    if (!letter || box->call || board->now_ns < box->due_ns)
        return;
    request.body = str_from(letter->notice.body);
    if (box->conf->secret &&
        !seal_make(&seal, box->conf->secret, letter->notice.id, board->wall_ns / NS_PER_S, request.body)) {
        drop_first(box, "it cannot be signed");
        return;
    }
    snprintf(sns_id, sizeof sns_id, "x-amz-sns-message-id: %s", letter->notice.id);
    add_headers(&request, box, &seal, sns_id);
    box->call = courier_post(box->notifier->courier, &request);
    if (box->call && box->tries > 0)
        box->retried++;
}

/* ---- decisions
 * ------------------------------------------------------------------------------------------- */

static const char *member(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

static void alert_free(struct alert *alert)
{
    free(alert->route);
    free(alert->rollout);
    free(alert);
}

/* An alert stays open as long as nothing has gone forward, also when another rollout of its route begins:
 * that one's first step resolves it. */
static void keep_alerts(struct mailbox *box, const json_t *record)
{
    struct alert **link = &box->alerts, *alert;
    struct notice notice;

    while (*link && strcmp((*link)->route, member(record, "route")) != 0)
        link = &(*link)->next;
    alert = *link;
    if (alert && strcmp(alert->rollout, member(record, "rollout")) != 0 &&
        notice_resolve(&notice, box->conf, box->notifier->config->service, alert->rollout, record))
        put(box, &notice);
    if (alert) {
        *link = alert->next;
        alert_free(alert);
    }
    if (!notice_alerts(box->conf, record))
        return;
    alert = mem_zalloc(sizeof *alert);
    alert->route = mem_strdup(member(record, "route"));
    alert->rollout = mem_strdup(member(record, "rollout"));
    alert->next = box->alerts;
    box->alerts = alert;
}

/* ---- configurations
 * -------------------------------------------------------------------------------------- */

/* What is under way may arrive still, without anybody to hear of it. */
static void box_free(struct mailbox *box)
{
    courier_forget(box->notifier->courier, box->call);
    if (box->call)
        take_out(box, NULL);
    if (box->first)
        log_warn("notify %s: %zu notices that still waited are dropped", box->conf->name, box->len);
    while (box->alerts) {
        struct alert *next = box->alerts->next;

        alert_free(box->alerts);
        box->alerts = next;
    }
    while (box->first)
        take_out(box, NULL);
    free(box);
}

/* The mailbox of that receiver among the old ones, which it leaves; or a new one. */
static struct mailbox *box_for(struct notifier *notifier, struct mailbox *old[static CONFIG_NOTICES_MAX],
                               const struct config_notice *conf)
{
    struct mailbox *box;

    for (size_t i = 0; i < CONFIG_NOTICES_MAX; i++) {
        box = old[i];
        if (!box || strcmp(box->conf->name, conf->name) != 0 || box->conf->kind != conf->kind)
            continue;
        old[i] = NULL;
        return box;
    }
    box = mem_zalloc(sizeof *box);
    box->notifier = notifier;
    return box;
}

static void adopt(struct notifier *notifier)
{
    struct config *config = config_ref(notifier->board->config);
    struct mailbox *old[CONFIG_NOTICES_MAX] = {NULL};

    memcpy(old, notifier->boxes, sizeof old);
    memset(notifier->boxes, 0, sizeof notifier->boxes);
    notifier->len = config->notices_len;
    for (size_t i = 0; i < notifier->len; i++) {
        notifier->boxes[i] = box_for(notifier, old, &config->notices[i]);
        notifier->boxes[i]->conf = &config->notices[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        if (old[i])
            box_free(old[i]);
    config_unref(notifier->config);
    notifier->config = config;
}

struct notifier *notifier_new(struct board *board, struct courier *courier)
{
    struct notifier *notifier = mem_zalloc(sizeof *notifier);

    notifier->board = board;
    notifier->courier = courier;
    rnd_init(&notifier->rnd);
    adopt(notifier);
    return notifier;
}

static void refresh(struct notifier *notifier)
{
    if (notifier->config != notifier->board->config)
        adopt(notifier);
}

void notifier_tell(struct notifier *notifier, const json_t *record)
{
    refresh(notifier);
    for (size_t i = 0; i < notifier->len; i++) {
        struct mailbox *box = notifier->boxes[i];
        struct notice notice;

        if (!notice_is_wanted(box->conf, record))
            continue;
        if (box->conf->kind == CONFIG_NOTICE_PAGERDUTY)
            keep_alerts(box, record);
        if (!notice_make(&notice, box->conf, notifier->config->service, record)) {
            box->dropped++;
            log_warn("notify %s: a decision could not be written as a notice", box->conf->name);
            continue;
        }
        put(box, &notice);
        send_first(box);
    }
}

void notifier_look(struct notifier *notifier)
{
    refresh(notifier);
    for (size_t i = 0; i < notifier->len; i++)
        send_first(notifier->boxes[i]);
}

void notifier_free(struct notifier *notifier)
{
    if (!notifier)
        return;
    for (size_t i = 0; i < notifier->len; i++)
        box_free(notifier->boxes[i]);
    config_unref(notifier->config);
    free(notifier);
}

size_t notifier_len(const struct notifier *notifier)
{
    return notifier->len;
}

struct notifier_stats notifier_stats(const struct notifier *notifier, size_t i)
{
    const struct mailbox *box = notifier->boxes[i];

    return (struct notifier_stats){.name = box->conf->name,
                                   .sent = box->sent,
                                   .retried = box->retried,
                                   .dropped = box->dropped,
                                   .waiting = box->len,
                                   .problem = box->problem};
}
