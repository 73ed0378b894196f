#include "control/asker.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/errands.h"
#include "control/seal.h"
#include "control/tick.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 128 }; /* of a question */

/* A webhook that is being asked; the index of its errand is that in its plan's webhooks. */
struct ask {
    struct errand errand;
    int32_t step;     /* for which it confirms; of one that orders rollbacks: of no meaning */
    uint32_t retries; /* so far, of the question that failed */
};

struct asker {
    struct errands errands; /* of struct ask */
};

/* ---- who is asked
 * ---------------------------------------------------------------------------------------- */

/* Once a step has come to its gate, it is asked until the step is left. */
static bool confirms(const struct run *run, const struct plan_webhook *hook, const struct ask *ask)
{
    const char *gate = rollout_gate(run->rollout, run->plan);

    if (!gate || strcmp(gate, hook->name) != 0 || run->rollout->state != ROLLOUT_RUNNING || !run->looked)
        return false;
    return (ask && ask->step == run->rollout->step) || run->last.reason == REASON_GATE;
}

static bool is_wanted(const struct run *run, const struct plan_webhook *hook, const struct ask *ask)
{
    switch (hook->type) {
    case WEBHOOK_CONFIRM:
        return confirms(run, hook, ask);
    case WEBHOOK_ROLLBACK:
        return rollout_is_under_way(run->rollout) && run->rollout->weight > 0;
    case WEBHOOK_EVENT:
        return false;
    }
    BUG("webhook of type %d", (int)hook->type);
}

/* ---- answers
 * --------------------------------------------------------------------------------------------- */

static void take_confirmation(const struct ask *ask, struct run *run, const struct plan_webhook *hook,
                              const struct courier_answer *answer)
{
    struct run_gate *gate = &run->gate;

    gate->step = ask->step;
    gate->until_ns = ask->errand.errands->board->now_ns + 2 * hook->interval_ns + hook->timeout_ns;
    gate->answer = courier_is_yes(answer) ? GATE_YES : answer->status ? GATE_NO : GATE_UNKNOWN;
    if (answer->status)
        snprintf(gate->says, sizeof gate->says, "status %u%s%s", answer->status, answer->text[0] ? ", " : "",
                 answer->text);
    else
        snprintf(gate->says, sizeof gate->says, "%s", answer->text);
}

/* What failed holds already; that it is asked again at the next look, not after the interval, ends it sooner.
 */
static void retry(struct ask *ask, const struct plan_webhook *hook, const struct courier_answer *answer)
{
    bool failed = answer->status == 0 || answer->status >= 500;

    if (!failed || ask->retries >= hook->retries) {
        ask->retries = 0;
        return;
    }
    ask->retries++;
    ask->errand.due_ns = 0;
}

static void on_answer(void *arg, const struct courier_answer *answer)
{
    struct ask *ask = arg;
    struct board *board = ask->errand.errands->board;
    struct live *live = errand_live(&ask->errand);
    const struct plan_webhook *hook;

    ask->errand.call = 0;
    if (!live)
        return;
    hook = &live->run->plan->webhooks[ask->errand.index];
    retry(ask, hook, answer);
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
    const struct board *board = ask->errand.errands->board;
    char id[ID_MAX];
    size_t n = 0;

    while (request->headers[n])
        n++;
    BUG_ON(n + SEAL_LINES > COURIER_HEADERS_MAX);
    snprintf(id, sizeof id, "%s.%zu.%" PRId64, run->id, ask->errand.index, board->wall_ns);
    if (!seal_make(seal, board->config->webhook_secret, id, board->wall_ns / NS_PER_S, request->body))
        return false;
    for (size_t i = 0; i < SEAL_LINES; i++)
        request->headers[n + i] = seal->lines[i];
    return true;
}

static void post(struct ask *ask, const struct live *live, const struct plan_webhook *hook)
{
    struct errand *errand = &ask->errand;
    const struct board *board = errand->errands->board;
    json_t *json = question(board, live, hook);
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
    if (!board->config->webhook_secret || sign(&request, &seal, ask, live->run))
        errand->call = courier_post(errand->errands->courier, &request);
    if (errand->call)
        errand->due_ns = board->now_ns + hook->interval_ns;
    free(body);
}

static void look_at_hook(struct errands *errands, const struct live *live, size_t i)
{
    const struct plan_webhook *hook = &live->run->plan->webhooks[i];
    struct ask *ask = (struct ask *)errands_find(errands, live->run, i);
    int32_t step = live->run->rollout->step;

    if (!is_wanted(live->run, hook, ask))
        return;
    if (ask && ask->step != step && hook->type == WEBHOOK_CONFIRM) {
        errand_recall(&ask->errand); /* that was about another step */
        ask->retries = 0;
    }
    ask = (struct ask *)errands_want(errands, live->run, i);
    ask->step = step;
    if (errand_is_due(&ask->errand))
        post(ask, live, hook);
}

static void look_at_route(struct errands *errands, struct live *live)
{
    for (size_t i = 0; i < live->run->plan->webhooks_len; i++)
        look_at_hook(errands, live, i);
}

struct asker *asker_new(struct board *board, struct courier *courier)
{
    struct asker *asker = mem_zalloc(sizeof *asker);

    errands_init(&asker->errands, board, courier, sizeof(struct ask));
    return asker;
}

void asker_look(struct asker *asker)
{
    errands_look(&asker->errands, look_at_route);
}

void asker_free(struct asker *asker)
{
    if (!asker)
        return;
    errands_fini(&asker->errands);
    free(asker);
}
