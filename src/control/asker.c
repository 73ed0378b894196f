#include "control/asker.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/seal.h"
#include "control/tick.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many requests under way leave room for notices. */
enum {
    BUSY_MAX = COURIER_CALLS_MAX - CONFIG_NOTICES_MAX,
    ID_MAX = 128, /* of a question */
};

/* A webhook that is being asked. */
struct ask {
    struct ask *next;
    struct asker *asker;
    uint32_t run; /* its number */
    char plan[RUN_HASH_LEN];
    size_t hook;  /* in its plan's webhooks */
    int32_t step; /* for which it confirms; of one that orders rollbacks: of no meaning */
    uint64_t call;
    int64_t due_ns; /* monotonic */
    bool wanted;
};

struct asker {
    struct board *board;
    struct courier *courier;
    struct ask *asks;
    size_t first; /* the route that is looked at first, another one each time */
};

/* ---- who is asked
 * ---------------------------------------------------------------------------------------- */

static struct ask *find(const struct asker *asker, const struct run *run, size_t hook)
{
    for (struct ask *ask = asker->asks; ask; ask = ask->next)
        if (ask->run == run->number && ask->hook == hook && !strcmp(ask->plan, run->hash))
            return ask;
    return NULL;
}

/* Once a step has come to its gate, it is asked until the step is left. */
static bool confirms(const struct run *run, const struct plan_webhook *hook, const struct ask *ask)
{
    const char *gate = rollout_gate(run->rollout, run->plan);

    if (!gate || strcmp(gate, hook->name) != 0 || run->rollout->state != ROLLOUT_RUNNING || !run->looked)
        return false;
    return (ask && ask->step == run->rollout->step) || run->last.reason == REASON_GATE;
}

static bool may_go_back(const struct rollout *rollout)
{
    switch (rollout->state) {
    case ROLLOUT_RUNNING:
    case ROLLOUT_PAUSED:
    case ROLLOUT_RETREATING:
    case ROLLOUT_HELD:
    case ROLLOUT_WATCHING:
    case ROLLOUT_PROBING:
        return rollout->weight > 0;
    case ROLLOUT_PENDING:
    case ROLLOUT_ROLLING_BACK:
    case ROLLOUT_ROLLED_BACK:
    case ROLLOUT_QUARANTINED:
    case ROLLOUT_PROMOTED:
        return false;
    }
    BUG("rollout state %d", (int)rollout->state);
}

static bool is_wanted(const struct run *run, const struct plan_webhook *hook, const struct ask *ask)
{
    switch (hook->type) {
    case WEBHOOK_CONFIRM:
        return confirms(run, hook, ask);
    case WEBHOOK_ROLLBACK:
        return may_go_back(run->rollout);
    case WEBHOOK_EVENT:
        return false;
    }
    BUG("webhook of type %d", (int)hook->type);
}

/* ---- answers
 * --------------------------------------------------------------------------------------------- */

/* Whom it is about; NULL when that has another plan since, or is over. */
static struct live *live_of(const struct ask *ask)
{
    struct board *board = ask->asker->board;

    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];

        if (run_judges(live->run) && find(ask->asker, live->run, ask->hook) == ask)
            return live;
    }
    return NULL;
}

static void take_confirmation(const struct ask *ask, struct run *run, const struct plan_webhook *hook,
                              const struct courier_answer *answer)
{
    struct run_gate *gate = &run->gate;

    gate->step = ask->step;
    gate->until_ns = ask->asker->board->now_ns + 2 * hook->interval_ns + hook->timeout_ns;
    gate->answer = courier_is_yes(answer) ? GATE_YES : answer->status ? GATE_NO : GATE_UNKNOWN;
    if (answer->status)
        snprintf(gate->says, sizeof gate->says, "status %u%s%s", answer->status, answer->text[0] ? ", " : "",
                 answer->text);
    else
        snprintf(gate->says, sizeof gate->says, "%s", answer->text);
}

static void on_answer(void *arg, const struct courier_answer *answer)
{
    struct ask *ask = arg;
    struct board *board = ask->asker->board;
    struct live *live = live_of(ask);
    const struct plan_webhook *hook;

    ask->call = 0;
    if (!live)
        return;
    hook = &live->run->plan->webhooks[ask->hook];
    if (hook->type == WEBHOOK_CONFIRM)
        take_confirmation(ask, live->run, hook, answer);
    else if (courier_is_yes(answer)) {
        log_warn("route %s: the webhook %s orders a rollback", live->conf->name, hook->name);
        live->run->rollback_ordered = true;
    } else
        return; /* nothing has changed */
    board_now(board);
    tick_route(board, live);
}

/* ---- questions
 * ------------------------------------------------------------------------------------------- */

static json_t *question(const struct board *board, const struct live *live, const struct plan_webhook *hook)
{
    const struct run *run = live->run;
    const struct rollout *rollout = run->rollout;
    char weight[PLAN_PERCENT_LEN], step[16];

    snprintf(step, sizeof step, "%d", (int)rollout->step);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "name",
                     live->conf->name, "namespace", board->config->service, "phase",
                     word_name(&rollout_state_words, rollout->state), "checksum", run->hash, "metadata",
                     "webhook", hook->name, "type", word_name(&webhook_type_words, hook->type), "rollout",
                     run->id, "plan", run->plan->name, "step", step, "weight",
                     plan_percent(rollout->weight, weight), "stable", rollout->stable, "canary",
                     rollout->canary);
}

/* Signs the question, which is another one each time. False: it cannot be signed. */
static bool sign(struct courier_request *request, struct seal *seal, const struct ask *ask,
                 const struct run *run)
{
    const struct board *board = ask->asker->board;
    char id[ID_MAX];
    size_t n = 0;

    while (request->headers[n])
        n++;
    BUG_ON(n + SEAL_LINES > COURIER_HEADERS_MAX);
    snprintf(id, sizeof id, "%s.%zu.%" PRId64, run->id, ask->hook, board->wall_ns);
    if (!seal_make(seal, board->config->webhook_secret, id, board->wall_ns / NS_PER_S, request->body))
        return false;
    for (size_t i = 0; i < SEAL_LINES; i++)
        request->headers[n + i] = seal->lines[i];
    return true;
}

static void post(struct ask *ask, const struct live *live, const struct plan_webhook *hook)
{
    const struct asker *asker = ask->asker;
    json_t *json = question(asker->board, live, hook);
    char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct courier_request request = {.url = hook->url,
                                      .headers = {"Content-Type: application/json", "Expect:"},
                                      .timeout_ns = hook->timeout_ns,
                                      .done = on_answer,
                                      .arg = ask};
    struct seal seal;

    json_decref(json);
    if (!body)
        return;
    request.body = str_from(body);
    if (!asker->board->config->webhook_secret || sign(&request, &seal, ask, live->run))
        ask->call = courier_post(asker->courier, &request);
    if (ask->call)
        ask->due_ns = asker->board->now_ns + hook->interval_ns;
    free(body);
}

static void look_at_hook(struct asker *asker, const struct live *live, size_t i)
{
    const struct plan_webhook *hook = &live->run->plan->webhooks[i];
    struct ask *ask = find(asker, live->run, i);

    if (!is_wanted(live->run, hook, ask))
        return;
    if (!ask) {
        ask = mem_zalloc(sizeof *ask);
        *ask = (struct ask){.next = asker->asks, .asker = asker, .run = live->run->number, .hook = i};
        ask->step = live->run->rollout->step;
        memcpy(ask->plan, live->run->hash, sizeof ask->plan);
        asker->asks = ask;
    }
    ask->wanted = true;
    if (ask->step != live->run->rollout->step && hook->type == WEBHOOK_CONFIRM) {
        courier_forget(asker->courier, ask->call); /* that was about another step */
        ask->call = 0;
        ask->due_ns = 0;
        ask->step = live->run->rollout->step;
    }
    if (!ask->call && asker->board->now_ns >= ask->due_ns && courier_busy(asker->courier) < BUSY_MAX)
        post(ask, live, hook);
}

/* `all`: also those that are wanted. */
static void drop_asks(struct asker *asker, bool all)
{
    struct ask **link = &asker->asks;

    while (*link) {
        struct ask *ask = *link;

        if (ask->wanted && !all) {
            ask->wanted = false; /* until the next look */
            link = &ask->next;
            continue;
        }
        courier_forget(asker->courier, ask->call);
        *link = ask->next;
        free(ask);
    }
}

struct asker *asker_new(struct board *board, struct courier *courier)
{
    struct asker *asker = mem_zalloc(sizeof *asker);

    asker->board = board;
    asker->courier = courier;
    return asker;
}

void asker_look(struct asker *asker)
{
    const struct board *board = asker->board;

    asker->first++;
    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *live = &board->lives[(asker->first + i) % board->lives_len];

        for (size_t hook = 0; run_judges(live->run) && hook < live->run->plan->webhooks_len; hook++)
            look_at_hook(asker, live, hook);
    }
    drop_asks(asker, false);
}

void asker_free(struct asker *asker)
{
    if (!asker)
        return;
    drop_asks(asker, true);
    free(asker);
}
