#include "control/run.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/planchange.h"
#include "conf/planfile.h"
#include "control/board.h"
#include "control/examples.h"
#include "decide/amend.h"
#include "decide/record.h"
#include "decide/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAVE_EVERY_NS (10 * NS_PER_S)
#define SAVE_QUIET_NS (2 * NS_PER_S) /* when nothing more comes */

bool run_governs(const struct run *run)
{
    return run && !run->detached;
}

bool run_judges(const struct run *run)
{
    return run_governs(run) && !rollout_is_over(run->rollout);
}

void run_free(struct run *run)
{
    if (!run)
        return;
    json_decref(run->record);
    free(run->plan);
    free(run->text);
    free(run->rollout);
    free(run);
}

/* ---- beginnings
 * ---------------------------------------------------------------------------------------------- */

static struct run *run_new(struct board *board, struct str text)
{
    struct run *run = mem_zalloc(sizeof *run);

    run->number = ++board->runs;
    run->plan = mem_alloc(sizeof *run->plan);
    run->rollout = mem_zalloc(sizeof *run->rollout);
    run->text = mem_strndup(text.p, text.len);
    snprintf(run->hash, sizeof run->hash, "%016" PRIx64, plan_hash(text));
    run->saved_ns = board->now_ns;
    return run;
}

/* "web-20261121T060000123Z": the time without its punctuation. */
static void make_id(struct run *run, const char *route)
{
    char time[CLK_TEXT_LEN];
    struct buf id;

    clk_text(run->created_ns, time);
    buf_init(&id, run->id, sizeof run->id - 1);
    buf_printf(&id, "%s-", route);
    for (size_t i = 0; i < CLK_TEXT_LEN; i++)
        if (!strchr("-:.", time[i]))
            buf_char(&id, time[i]);
    run->id[id.len] = '\0';
}

/* A plan is kept as a C string. */
static bool is_text(struct str text, char why[static ORDER_WHY_MAX])
{
    if (!memchr(text.p ? text.p : "", '\0', text.len))
        return true;
    snprintf(why, ORDER_WHY_MAX, "the plan has a NUL byte in it");
    return false;
}

static bool load_plan(struct board *board, struct live *live, struct run *run, struct conf_report *report)
{
    struct plan_target target = {.config = board->config, .route = live->conf};
    struct str text = {run->text, strlen(run->text)};

    return plan_load_bytes("plan", text, false, &target, run->plan, report);
}

/* Requests of different routes are told apart, but what their load does to a group is not. */
static void warn_of_company(const struct board *board, const struct live *live, struct conf_report *report)
{
    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *other = &board->lives[i];

        if (other == live || other->conf->canary != live->conf->canary || !run_judges(other->run))
            continue;
        conf_report_add(
            report, CONF_WARNING, "plan", 0, 0,
            "route %s has a rollout to the group %s too: each is judged by the requests of its own "
            "route, and feels the load of both",
            other->conf->name, board->config->groups[live->conf->canary].name);
    }
}

static enum order_result may_start(const struct live *live, char why[static ORDER_WHY_MAX])
{
    if (live->conf->canary < 0) {
        snprintf(why, ORDER_WHY_MAX,
                 "route %s has no canary group: give it one in the configuration and reload",
                 live->conf->name);
        return ORDER_REFUSED;
    }
    if (run_judges(live->run)) {
        snprintf(why, ORDER_WHY_MAX, "route %s has a rollout that is %s: abort it first, or wait for its end",
                 live->conf->name, word_name(&rollout_state_words, live->run->rollout->state));
        return ORDER_REFUSED;
    }
    return ORDER_DONE;
}

/* What a new rollout takes over from the route, and the order to begin. */
static bool order_start(struct board *board, struct live *live, struct run *run, const char *actor,
                        char why[static ORDER_WHY_MAX])
{
    struct rollout_order start = {.command = COMMAND_START, .actor = actor};
    struct rollout_order lock = {.command = COMMAND_LOCK, .actor = actor, .no_rollback = live->locked_back};

    rollout_init(run->rollout, run->plan, board_side(board, live, ROUTE_STABLE)->platform,
                 board_side(board, live, ROUTE_CANARY)->platform);
    return (!live->locked || rollout_command(run->rollout, run->plan, &lock, board->wall_ns, why)) &&
           rollout_command(run->rollout, run->plan, &start, board->wall_ns, why);
}

enum order_result run_start(struct board *board, struct live *live, struct str text, const char *actor,
                            struct conf_report *report, char why[static ORDER_WHY_MAX])
{
    enum order_result result = may_start(live, why);
    struct run *old = live->run, *run;

    if (result != ORDER_DONE)
        return result;
    if (!is_text(text, why))
        return ORDER_INVALID;
    run = run_new(board, text);
    run->created_ns = board->wall_ns;
    make_id(run, live->conf->name);
    result = ORDER_INVALID;
    snprintf(why, ORDER_WHY_MAX, "the plan cannot be followed on route %s", live->conf->name);
    if (!load_plan(board, live, run, report))
        goto refused;
    result = ORDER_REFUSED;
    if (!order_start(board, live, run, actor, why))
        goto refused;
    live->run = run;
    result = ORDER_UNSAVED;
    if (!run_save_all(board, &live, 1, false)) {
        snprintf(why, ORDER_WHY_MAX, "the rollout cannot be saved: %s", store_health(board->store)->why);
        goto refused;
    }
    live->problem[0] = '\0';
    run_free(old);
    warn_of_company(board, live, report);
    return ORDER_DONE;
refused:
    live->run = old;
    run_free(run);
    return result;
}

static void first_problem(const struct conf_report *report, char *out, size_t len)
{
    snprintf(out, len, "%s", report->len ? report->problems[0].text : "it has errors");
}

static bool restore_plan(struct board *board, struct live *live, struct run *run,
                         const struct store_rollout *stored, char *why, size_t why_len)
{
    struct conf_report report;
    char problem[256];
    bool ok;

    if (strcmp(run->hash, stored->plan_hash)) {
        snprintf(why, why_len, "its plan is not the one that was saved");
        return false;
    }
    conf_report_init(&report);
    ok = load_plan(board, live, run, &report);
    first_problem(&report, problem, sizeof problem);
    conf_report_fini(&report);
    if (!ok)
        snprintf(why, why_len, "its plan no longer fits: %s", problem);
    return ok;
}

static bool restore_state(struct board *board, struct live *live, struct run *run,
                          const struct store_rollout *stored, char *why, size_t why_len)
{
    json_t *json = json_loads(stored->json, 0, NULL);
    bool ok = false;

    if (!json)
        snprintf(why, why_len, "its state is no JSON");
    else
        ok = rollout_from_json(run->rollout, run->plan, json, why, why_len);
    json_decref(json);
    if (!ok)
        return false;
    if (strcmp(run->rollout->stable, board_side(board, live, ROUTE_STABLE)->platform) ||
        strcmp(run->rollout->canary, board_side(board, live, ROUTE_CANARY)->platform)) {
        snprintf(why, why_len, "it was from %s to %s, and the route now has other groups",
                 run->rollout->stable, run->rollout->canary);
        return false;
    }
    return true;
}

/* Targets of the canary that the rollout has found bad. */
static void eject(struct board *board, const struct live *live)
{
    const struct config_group *group = board_side(board, live, ROUTE_CANARY);

    for (size_t i = 0; group && i < group->targets_len; i++)
        if (outliers_has(&live->run->rollout->outliers, roster_id(&group->targets[i])) &&
            !board->ejected[group->targets[i].slot])
            board_eject_target(board, &group->targets[i]);
}

bool run_restore(struct board *board, struct live *live, const struct store_rollout *stored,
                 char why[static ORDER_WHY_MAX])
{
    struct run *run = run_new(board, stored->plan);
    char reason[512] = "the route no longer has a canary group";

    snprintf(run->id, sizeof run->id, "%s", stored->id);
    run->created_ns = stored->started_ns;
    if (live->conf->canary >= 0 && restore_plan(board, live, run, stored, reason, sizeof reason) &&
        restore_state(board, live, run, stored, reason, sizeof reason)) {
        run_free(live->run);
        live->run = run;
        run->left = rollout_is_over(run->rollout); /* before the restart */
        eject(board, live);
        return true;
    }
    snprintf(why, ORDER_WHY_MAX, "rollout %s cannot go on: %s", stored->id, reason);
    run_free(run);
    return false;
}

/* ---- saving
 * -------------------------------------------------------------------------------------------------- */

/* A state on its way to the store, with the texts that its rows borrow. */
struct saving {
    struct store_rollout rollout;
    struct store_weight weight;
    struct store_decision decision;
    char *state_text, *record_text;
    struct store_change change;
};

/* `record` may be NULL. */
static void saving_init(struct saving *saving, struct board *board, struct live *live,
                        const struct rollout *rollout, const json_t *record, int64_t record_ns, bool in_force)
{
    struct run *run = live->run;
    json_t *state = rollout_to_json(rollout);

    *saving = (struct saving){.state_text = json_dumps(state, JSON_COMPACT), .weight = live_weight_row(live)};
    json_decref(state);
    saving->weight.weight = rollout->weight;
    saving->weight.wall_ns = board->wall_ns;
    saving->rollout = (struct store_rollout){.id = run->id,
                                             .route = live->conf->name,
                                             .plan_name = run->plan->name,
                                             .plan = str_from(run->text),
                                             .plan_hash = run->hash,
                                             .state = word_name(&rollout_state_words, rollout->state),
                                             .json = saving->state_text,
                                             .weight = rollout->weight,
                                             .started_ns = run->created_ns};
    saving->change = (struct store_change){
        .rollout = &saving->rollout, .weight = run->detached ? NULL : &saving->weight, .in_force = in_force};
    if (!record)
        return;
    saving->decision = journal_row(record, record_ns, &saving->record_text);
    saving->change.decision = &saving->decision;
}

static void saving_fini(struct saving *saving)
{
    free(saving->state_text);
    free(saving->record_text);
}

static void note_save(const struct board *board, struct run *run, bool ok)
{
    run->saved_ns = board->now_ns;
    run->failed = !ok;
    if (ok)
        run->fed = run->unsaved = false;
}

/* Saves a state of the rollout with a decision. */
static bool save_decision(struct board *board, struct live *live, const struct rollout *rollout,
                          bool in_force)
{
    struct run *run = live->run;
    struct saving saving;
    bool ok;

    saving_init(&saving, board, live, rollout, run->record, run->last.wall_ns, in_force);
    ok = !board->store || store_save(board->store, &saving.change);
    saving_fini(&saving);
    note_save(board, run, ok);
    return ok;
}

bool run_save_all(struct board *board, struct live *const *lives, size_t len, bool in_force)
{
    struct saving *saving = mem_zalloc((len + 1) * sizeof *saving);
    struct store_change *changes = mem_zalloc((len + 1) * sizeof *changes);
    bool ok;

    for (size_t i = 0; i < len; i++) {
        saving_init(&saving[i], board, lives[i], lives[i]->run->rollout, NULL, 0, in_force);
        changes[i] = saving[i].change;
    }
    ok = !board->store || len == 0 || store_save_all(board->store, changes, len);
    for (size_t i = 0; i < len; i++) {
        saving_fini(&saving[i]);
        note_save(board, lives[i]->run, ok);
    }
    free(saving);
    free(changes);
    return ok;
}

/* ---- looks
 * --------------------------------------------------------------------------------------------------- */

static struct rollout_targets targets_of(const struct board *board, const struct live *live,
                                         enum route_side side)
{
    const struct config_group *group = board_side(board, live, side);

    return (struct rollout_targets){.healthy = (uint32_t)board_open_targets(board, group),
                                    .total = (uint32_t)group->targets_len};
}

/* Saves, then takes. */
static void commit(struct board *board, struct live *live, const struct decision *decision)
{
    struct run *run = live->run;
    struct rollout *next = mem_alloc(sizeof *next);

    *next = *run->rollout;
    rollout_commit(next, run->plan, decision);
    run->record_saved = save_decision(board, live, next, false);
    run->refused = !run->record_saved;
    if (run->record_saved)
        *run->rollout = *next;
    else
        rollout_refuse(run->rollout, decision, store_health(board->store)->why);
    free(next);
}

/* Weight is taken from the canary because of what it does, or a target of it is. */
static bool takes_back(const struct decision *decision)
{
    return decision->action == ACTION_ROLLBACK || decision->action == ACTION_RETREAT || decision->target[0];
}

static void step(struct board *board, struct live *live, const struct rollout_input *input)
{
    struct run *run = live->run;
    json_t *examples;

    rollout_step(run->rollout, run->plan, input, &run->last);
    run->looked = true;
    json_decref(run->record);
    run->record = NULL;
    if (run->last.commit || run->last.fresh)
        run->record = journal_record(&board->journal, &run->last, live->conf->name, run->id);
    if (run->record && takes_back(&run->last) && (examples = examples_of(board, live, run->created_ns)))
        json_object_set_new(run->record, "examples", examples);
}

/* What a guard has to learn yet. */
static void give_answers(struct board *board, struct live *live, struct tally *tally, struct hist *answers)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);

    harvest_answers(&live->harvest, &cells, answers);
    tally->latency = answers;
}

/* What the canary's targets have done since the last look. */
static size_t look_at_targets(struct board *board, struct live *live,
                              struct tally_target rows_r[static TALLY_TARGETS_MAX])
{
    const struct config_group *group = board_side(board, live, ROUTE_CANARY);
    struct shard *shards[CONFIG_WORKERS_MAX];
    size_t len = board->crew ? crew_size(board->crew) : 0;

    for (size_t w = 0; w < len; w++)
        shards[w] = crew_shard(board->crew, w);
    return roster_look(&live->roster, group, shards, len, rows_r);
}

/* What one target of the canary bears, if it has refused requests lately. */
static double canary_capacity(struct board *board, struct live *live)
{
    const struct config_group *group = board_side(board, live, ROUTE_CANARY);
    struct capacity_sums sums = {.healthy = (uint32_t)board_open_targets(board, group),
                                 .targets = (uint32_t)group->targets_len};

    for (size_t w = 0; board->crew && w < crew_size(board->crew); w++) {
        struct shard *shard = crew_shard(board->crew, w);
        const struct shard_group *cells = shard_group(shard, group->slot);

        sums.refused += cells ? cell_get(&cells->full) + cell_get(&cells->late) : 0;
        for (size_t i = 0; i < group->targets_len; i++) {
            const struct shard_target *target = shard_target(shard, group->targets[i].slot);

            sums.served += target ? cell_get(&target->requests) : 0;
        }
    }
    return capacity_look(&live->capacity, &sums, board->now_ns);
}

/* What the step's webhook has said. Whatever was said before the step was come to again, as after a rollback,
 * is of no worth. */
static void give_gate(const struct board *board, struct run *run, struct rollout_input *input)
{
    struct run_gate *gate = &run->gate;

    if (run->rollout->state != ROLLOUT_RUNNING || gate->step != run->rollout->step)
        gate->until_ns = 0;
    if (board->now_ns >= gate->until_ns)
        return;
    input->gate = gate->answer;
    input->gate_text = gate->says;
}

/* What the queries of external metrics have answered. */
static void give_answers_of_queries(const struct board *board, struct run *run, struct rollout_input *input)
{
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        struct run_answer *answer = &run->answers[i];

        input->external[i] = (struct external_answer){.given = answer->given,
                                                      .known = answer->known,
                                                      .value = answer->value,
                                                      .age_ns = board->now_ns - answer->asked_ns,
                                                      .why = answer->why};
        run->fed |= answer->given;
        answer->given = false;
    }
}

void run_look(struct board *board, struct live *live)
{
    struct run *run = live->run;
    struct hist answers;
    struct tally tallies[TALLY_WEIGHTS_MAX];
    struct tally_target targets[TALLY_TARGETS_MAX];
    struct externals externals = run->rollout->externals;
    enum rollout_state state;
    struct rollout_input input = {
        .now_ns = board->now_ns,
        .wall_ns = board->wall_ns,
        .tallies = tallies,
        .tallies_len = harvest_take(&live->harvest, tallies, TALLY_WEIGHTS_MAX),
        .weight_in_force = live->weight == run->rollout->weight && board_in_force(board, live),
        .stable = targets_of(board, live, ROUTE_STABLE),
        .canary = targets_of(board, live, ROUTE_CANARY),
        .targets = targets,
        .targets_len = look_at_targets(board, live, targets),
        .rollback_ordered = run->rollback_ordered,
    };

    run->rollback_ordered = false;
    give_gate(board, run, &input);
    give_answers_of_queries(board, run, &input);
    input.canary.capacity = canary_capacity(board, live);
    if (input.tallies_len > 0 && guards_learn(&run->rollout->guards, run->plan))
        give_answers(board, live, &tallies[0], &answers);
    state = run->rollout->state;
    run->refused = run->record_saved = false;
    run->quiet = input.tallies_len == 0;
    run->fed |= input.tallies_len > 0;
    step(board, live, &input);
    if (run->last.commit)
        commit(board, live, &run->last);
    if (run->refused) {
        /* What it is now: a hold that says why. */
        input.tallies_len = input.targets_len = 0;
        memset(input.external, 0, sizeof input.external);
        step(board, live, &input);
    }
    if (run->last.target_id)
        eject(board, live);
    run->unsaved |= run->rollout->state != state && !run->record_saved;
    run->unsaved |= memcmp(externals.failed, run->rollout->externals.failed, sizeof externals.failed) != 0;
    board_sync(board, live);
}

void run_settle(struct board *board, struct live *live)
{
    struct run *run = live->run;

    if (!run->record)
        return;
    if (!run->record_saved)
        run->record_saved = save_decision(board, live, run->rollout, true);
    journal_add(&board->journal, run->record, run->last.wall_ns, run->record_saved || !board->store);
    run->record = NULL;
}

bool run_is_due(const struct board *board, const struct run *run)
{
    int64_t since_ns = board->now_ns - run->saved_ns;

    if (run->failed && since_ns < SAVE_EVERY_NS)
        return false;
    return run->unsaved ||
           (run->fed && (since_ns >= SAVE_EVERY_NS || (run->quiet && since_ns >= SAVE_QUIET_NS))) ||
           (run_judges(run) && since_ns >= SAVE_EVERY_NS);
}

/* ---- another plan
 * --------------------------------------------------------------------------------------------- */

/* A rollout with its plan, beside the one that it may replace. */
struct successor {
    struct plan *plan;
    struct rollout *rollout;
    char *text;
    char hash[RUN_HASH_LEN];
};

static void successor_fini(struct successor *next)
{
    free(next->plan);
    free(next->rollout);
    free(next->text);
}

/* Exchanges what a run follows with what it might follow. */
static void exchange(struct run *run, struct successor *next)
{
    struct successor old = {run->plan, run->rollout, run->text, ""};

    memcpy(old.hash, run->hash, sizeof old.hash);
    run->plan = next->plan;
    run->rollout = next->rollout;
    run->text = next->text;
    memcpy(run->hash, next->hash, sizeof run->hash);
    *next = old;
}

static enum order_result find_successor(struct board *board, struct live *live,
                                        const struct run_update *update, struct conf_report *report,
                                        struct successor *next, char why[static ORDER_WHY_MAX])
{
    struct run *run = live->run;
    struct plan_target target = {.config = board->config, .route = live->conf};
    char reason[ROLLOUT_WHY_MAX];

    *next = (struct successor){.plan = mem_alloc(sizeof *next->plan),
                               .rollout = mem_alloc(sizeof *next->rollout),
                               .text = mem_strndup(update->text.p, update->text.len)};
    *next->rollout = *run->rollout;
    snprintf(next->hash, sizeof next->hash, "%016" PRIx64, plan_hash(update->text));
    if (!is_text(update->text, why))
        return ORDER_INVALID;
    if (!plan_load_bytes("plan", update->text, false, &target, next->plan, report)) {
        snprintf(why, ORDER_WHY_MAX, "the plan cannot be followed on route %s", live->conf->name);
        return ORDER_INVALID;
    }
    if (rollout_amend(next->rollout, run->plan, next->plan, update->force, reason))
        return ORDER_DONE;
    snprintf(why, ORDER_WHY_MAX, "%s", reason);
    return ORDER_REFUSED;
}

static json_t *update_record(struct board *board, const struct live *live, const char *actor, json_t *changes)
{
    const struct rollout *rollout = live->run->rollout;
    struct decision decision = {.action = ACTION_HOLD,
                                .reason = REASON_UPDATED,
                                .wall_ns = board->wall_ns,
                                .state = rollout->state,
                                .step = rollout->step,
                                .weight_from = rollout->weight,
                                .weight_to = rollout->weight,
                                .proven = rollout->proven,
                                .metric = -1,
                                .ratio = {NAN, 0, INFINITY},
                                .e = NAN,
                                .threshold = NAN,
                                .eta_ns = ROLLOUT_ETA_UNKNOWN};
    char said[DECISION_TEXT_MAX];
    struct buf buf;
    json_t *record;

    buf_init(&buf, said, sizeof said - 1);
    planchange_say(changes, &buf);
    said[buf.len] = '\0';
    snprintf(decision.actor, sizeof decision.actor, "%s", actor);
    snprintf(decision.text, sizeof decision.text, "%s changed the plan: %.*s", actor,
             (int)(sizeof decision.text - ROLLOUT_ACTOR_MAX - 32), said);
    record = journal_record(&board->journal, &decision, live->conf->name, live->run->id);
    json_object_set(record, "changes", changes);
    return record;
}

enum order_result run_update(struct board *board, struct live *live, const struct run_update *update,
                             struct conf_report *report, json_t **changes_r, char why[static ORDER_WHY_MAX])
{
    struct run *run = live->run;
    struct successor next;
    enum order_result result = find_successor(board, live, update, report, &next, why);
    struct saving saving;
    json_t *record;
    bool ok;

    *changes_r = NULL;
    if (result != ORDER_DONE)
        goto out;
    *changes_r = planchange_list(str_from(run->text), update->text);
    exchange(run, &next);
    record = update_record(board, live, update->actor, *changes_r);
    saving_init(&saving, board, live, run->rollout, record, board->wall_ns, false);
    ok = !board->store || store_save(board->store, &saving.change);
    saving_fini(&saving);
    note_save(board, run, ok);
    if (ok) {
        journal_add(&board->journal, record, board->wall_ns, true);
        board->changed = true;  /* what the workers are told of it */
        run->gate.until_ns = 0; /* that was another plan's webhook */
        goto out;
    }
    exchange(run, &next);
    json_decref(record);
    json_decref(*changes_r);
    *changes_r = NULL;
    snprintf(why, ORDER_WHY_MAX, "the plan cannot be saved: %s", store_health(board->store)->why);
    result = ORDER_UNSAVED;
out:
    successor_fini(&next);
    return result;
}

/* ---- for people
 * ---------------------------------------------------------------------------------------------- */

static json_t *orders_to_json(const struct run *run, int64_t wall_ns)
{
    json_t *array = json_array();

    for (size_t i = 0; i < command_words.len && run_governs(run); i++)
        if (rollout_takes(run->rollout, run->plan, (enum command)i, wall_ns))
            json_array_append_new(array, json_string(word_name(&command_words, i)));
    return array;
}

json_t *run_to_json(const struct run *run, const char *route, int64_t wall_ns)
{
    json_t *json = rollout_status_to_json(run->rollout, run->plan);

    json_object_set_new(json, "id", json_string(run->id));
    json_object_set_new(json, "planHash", json_string(run->hash));
    json_object_set_new(json, "governs", json_boolean(run_governs(run)));
    json_object_set_new(json, "orders", orders_to_json(run, wall_ns));
    json_object_set_new(json, "decision",
                        run->looked ? decision_to_json(&run->last, route, run->id) : json_null());
    return json;
}
