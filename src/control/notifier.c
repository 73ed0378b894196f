#include "control/notifier.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_LEN = CONFIG_NAME_MAX + 1 + PLAN_NAME_MAX, /* with NUL, of a plan's webhook: "ROUTE/WEBHOOK" */
    HEARERS_MAX = 2 * PLAN_WEBHOOKS_MAX,            /* of a route: of its plan, and of the one before */
    BUSY_MAX = COURIER_CALLS_MAX / 2,               /* requests under way: the rest is for what is asked */
};
#define HEARER_RETRY_NS (900 * NS_PER_S) /* the default of retryFor */
_Static_assert((int)PLAN_WEBHOOK_ACTIONS <= (int)CONFIG_NOTICE_ACTIONS, "a plan's list has room");

/* An alert of PagerDuty that has not been resolved: of a route, by which rollout. */
struct alert {
    struct alert *next;
    char *route, *rollout;
};

/* A receiver of the configuration. */
struct receiver {
    struct mailbox box; /* its conf is in notifier->config */
    struct alert *alerts;
};

/* A webhook of a plan that is told of events. It outlives its rollout until its queue is empty, or the next
 * plan of the route has one of that name, which gets what waits as well. */
struct hearer {
    struct hearer *next; /* a younger one */
    struct mailbox box;
    struct config_notice conf; /* the box's; `secret` is in notifier->config */
    char name[NAME_LEN], url[PLAN_URL_MAX];
    char route[CONFIG_NAME_MAX + 1];
};

struct notifier {
    struct board *board;
    struct courier *courier;
    struct config *config; /* a reference: that of the receivers */
    struct receiver *receivers[CONFIG_NOTICES_MAX];
    size_t len;
    struct hearer *hearers;
    struct rnd rnd;
};

static const char *member(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

static void init_box(struct notifier *notifier, struct mailbox *box)
{
    box->board = notifier->board;
    box->courier = notifier->courier;
    box->rnd = &notifier->rnd;
    box->retries_max = UINT32_MAX;
    box->busy_max = COURIER_CALLS_MAX;
}

/* ---- alerts
 * ---------------------------------------------------------------------------------------------- */

static void alert_free(struct alert *alert)
{
    free(alert->route);
    free(alert->rollout);
    free(alert);
}

/* An alert stays open as long as nothing has gone forward, also when another rollout of its route begins:
 * that one's first step resolves it. */
static void keep_alerts(const struct notifier *notifier, struct receiver *receiver, const json_t *record)
{
    struct alert **link = &receiver->alerts, *alert;
    const struct config_notice *conf = receiver->box.conf;
    struct notice notice;

    while (*link && strcmp((*link)->route, member(record, "route")) != 0)
        link = &(*link)->next;
    alert = *link;
    if (alert && strcmp(alert->rollout, member(record, "rollout")) != 0 &&
        notice_resolve(&notice, conf, notifier->config->service, alert->rollout, record))
        mailbox_put(&receiver->box, &notice);
    if (alert) {
        *link = alert->next;
        alert_free(alert);
    }
    if (!notice_alerts(conf, record))
        return;
    alert = mem_zalloc(sizeof *alert);
    alert->route = mem_strdup(member(record, "route"));
    alert->rollout = mem_strdup(member(record, "rollout"));
    alert->next = receiver->alerts;
    receiver->alerts = alert;
}

/* ---- receivers
 * ------------------------------------------------------------------------------------------- */

static void receiver_free(struct receiver *receiver)
{
    mailbox_fini(&receiver->box);
    while (receiver->alerts) {
        struct alert *next = receiver->alerts->next;

        alert_free(receiver->alerts);
        receiver->alerts = next;
    }
    free(receiver);
}

/* That receiver among the old ones, which it leaves; or a new one. */
static struct receiver *receiver_for(struct notifier *notifier,
                                     struct receiver *old[static CONFIG_NOTICES_MAX],
                                     const struct config_notice *conf)
{
    struct receiver *receiver;

    for (size_t i = 0; i < CONFIG_NOTICES_MAX; i++) {
        receiver = old[i];
        if (!receiver || strcmp(receiver->box.conf->name, conf->name) != 0 ||
            receiver->box.conf->kind != conf->kind)
            continue;
        old[i] = NULL;
        return receiver;
    }
    receiver = mem_zalloc(sizeof *receiver);
    init_box(notifier, &receiver->box);
    return receiver;
}

static void adopt(struct notifier *notifier)
{
    struct config *config = config_ref(notifier->board->config);
    struct receiver *old[CONFIG_NOTICES_MAX] = {NULL};

    memcpy(old, notifier->receivers, sizeof old);
    memset(notifier->receivers, 0, sizeof notifier->receivers);
    notifier->len = config->notices_len;
    for (size_t i = 0; i < notifier->len; i++) {
        notifier->receivers[i] = receiver_for(notifier, old, &config->notices[i]);
        notifier->receivers[i]->box.conf = &config->notices[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        if (old[i])
            receiver_free(old[i]);
    for (struct hearer *hearer = notifier->hearers; hearer; hearer = hearer->next)
        hearer->conf.secret = config->webhook_secret;
    config_unref(notifier->config);
    notifier->config = config;
}

static void tell_receiver(struct notifier *notifier, struct receiver *receiver, const json_t *record)
{
    if (!notice_is_wanted(receiver->box.conf, record))
        return;
    if (receiver->box.conf->kind == CONFIG_NOTICE_PAGERDUTY)
        keep_alerts(notifier, receiver, record);
    mailbox_tell(&receiver->box, notifier->config->service, record);
}

/* ---- webhooks of plans
 * ----------------------------------------------------------------------------------- */

static bool hears(const struct hearer *hearer, const struct live *live, const struct plan_webhook *hook)
{
    char name[NAME_LEN];

    snprintf(name, sizeof name, "%s/%s", live->conf->name, hook->name);
    return hook->type == WEBHOOK_EVENT && strcmp(hearer->name, name) == 0;
}

/* The plan that its route follows, or has followed last, has it. */
static bool is_current(const struct notifier *notifier, const struct hearer *hearer)
{
    const struct live *live = board_find(notifier->board, str_from(hearer->route));

    for (size_t i = 0; live && live->run && i < live->run->plan->webhooks_len; i++)
        if (hears(hearer, live, &live->run->plan->webhooks[i]))
            return true;
    return false;
}

static void remove_hearer(struct hearer **link)
{
    struct hearer *hearer = *link;

    *link = hearer->next;
    mailbox_fini(&hearer->box);
    free(hearer);
}

/* Those that are over and have nothing more to be told. */
static void forget_hearers(struct notifier *notifier)
{
    struct hearer **link = &notifier->hearers;

    while (*link)
        if ((*link)->box.len == 0 && !is_current(notifier, *link))
            remove_hearer(link);
        else
            link = &(*link)->next;
}

/* Room for one more of the route: the oldest that is over goes, whatever waits for it. */
static void make_room(struct notifier *notifier, const char *route)
{
    struct hearer **oldest = NULL;
    size_t len = 0;

    for (struct hearer **link = &notifier->hearers; *link; link = &(*link)->next) {
        if (strcmp((*link)->route, route) != 0)
            continue;
        len++;
        if (!oldest && !is_current(notifier, *link))
            oldest = link;
    }
    if (len >= HEARERS_MAX && oldest)
        remove_hearer(oldest);
}

static struct hearer *hearer_for(struct notifier *notifier, const struct live *live,
                                 const struct plan_webhook *hook)
{
    struct hearer **link = &notifier->hearers, *hearer;

    for (; *link; link = &(*link)->next)
        if (hears(*link, live, hook))
            return *link;
    make_room(notifier, live->conf->name);
    hearer = mem_zalloc(sizeof *hearer);
    init_box(notifier, &hearer->box);
    hearer->box.busy_max = BUSY_MAX;
    snprintf(hearer->name, sizeof hearer->name, "%s/%s", live->conf->name, hook->name);
    snprintf(hearer->route, sizeof hearer->route, "%s", live->conf->name);
    hearer->conf = (struct config_notice){.name = hearer->name,
                                          .kind = CONFIG_NOTICE_GENERIC,
                                          .url = hearer->url,
                                          .secret = notifier->config->webhook_secret,
                                          .retry_for_ns = HEARER_RETRY_NS};
    hearer->box.conf = &hearer->conf;
    for (link = &notifier->hearers; *link; link = &(*link)->next)
        ;
    *link = hearer;
    return hearer;
}

static void tell_hook(struct notifier *notifier, const struct live *live, const struct plan_webhook *hook,
                      const json_t *record)
{
    struct hearer *hearer = hearer_for(notifier, live, hook);

    snprintf(hearer->url, sizeof hearer->url, "%s", hook->url);
    memcpy(hearer->conf.on, hook->on, sizeof hook->on);
    hearer->conf.on_len = hook->on_len;
    hearer->conf.timeout_ns = hook->timeout_ns;
    hearer->box.retries_max = hook->retries;
    if (notice_is_wanted(&hearer->conf, record))
        mailbox_tell(&hearer->box, notifier->config->service, record);
}

/* Of a decision of the rollout that the route has now. */
static void tell_plan(struct notifier *notifier, const json_t *record)
{
    const struct live *live = board_find(notifier->board, str_from(member(record, "route")));
    const struct run *run = live ? live->run : NULL;

    if (!run || strcmp(run->id, member(record, "rollout")) != 0)
        return;
    for (size_t i = 0; i < run->plan->webhooks_len; i++)
        if (run->plan->webhooks[i].type == WEBHOOK_EVENT)
            tell_hook(notifier, live, &run->plan->webhooks[i], record);
}

/* ---- all of them
 * ----------------------------------------------------------------------------------------- */

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
    for (size_t i = 0; i < notifier->len; i++)
        tell_receiver(notifier, notifier->receivers[i], record);
    tell_plan(notifier, record);
}

void notifier_look(struct notifier *notifier)
{
    refresh(notifier);
    for (size_t i = 0; i < notifier->len; i++)
        mailbox_send(&notifier->receivers[i]->box);
    forget_hearers(notifier);
    for (struct hearer *hearer = notifier->hearers; hearer; hearer = hearer->next)
        mailbox_send(&hearer->box);
}

void notifier_free(struct notifier *notifier)
{
    if (!notifier)
        return;
    for (size_t i = 0; i < notifier->len; i++)
        receiver_free(notifier->receivers[i]);
    while (notifier->hearers)
        remove_hearer(&notifier->hearers);
    config_unref(notifier->config);
    free(notifier);
}

size_t notifier_len(const struct notifier *notifier)
{
    size_t len = notifier->len;

    for (const struct hearer *hearer = notifier->hearers; hearer; hearer = hearer->next)
        len++;
    return len;
}

static const struct mailbox *box_at(const struct notifier *notifier, size_t i)
{
    const struct hearer *hearer = notifier->hearers;

    if (i < notifier->len)
        return &notifier->receivers[i]->box;
    for (i -= notifier->len; i > 0; i--)
        hearer = hearer->next;
    return &hearer->box;
}

struct notifier_stats notifier_stats(const struct notifier *notifier, size_t i)
{
    const struct mailbox *box = box_at(notifier, i);

    return (struct notifier_stats){.name = box->conf->name,
                                   .sent = box->sent,
                                   .retried = box->retried,
                                   .dropped = box->dropped,
                                   .waiting = box->len,
                                   .problem = box->problem};
}
