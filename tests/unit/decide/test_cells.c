/*
 * Everything that can be said to a rollout, in everything that it can be: what is allowed, what comes of it
 * at the next look, and what a refusal says. Each situation is reached by the traffic and the orders that
 * lead there in reality, and each also outlives a restart.
 */
#include "../unit.h"
#include "decide/amend.h"
#include "decide/rollout.h"
#include "sim.h"

/* The states, and what a running rollout may be waiting for. */
enum situation {
    PENDING,
    WAITING, /* pending, started, and the canary has no healthy target */
    RUNNING,
    AT_PAUSE, /* running, waits for an approval */
    BY_HAND,  /* running, at a weight that a person set */
    LOCKED,   /* running, and locked */
    WORSE,    /* running, held by onRegression: hold */
    PAUSED,
    RETREATING,
    HELD,
    WATCHING,
    PROBING,
    ROLLING_BACK,
    ROLLED_BACK,
    QUARANTINED,
    PROMOTED,
    SITUATIONS,
};
static const char *const situation_names[SITUATIONS] = {
    "pending",      "waiting",     "running",     "at a pause", "by hand",  "locked",
    "worse",        "paused",      "retreating",  "held",       "watching", "probing",
    "rolling back", "rolled back", "quarantined", "promoted"};

enum event {
    START,
    PAUSE,
    RESUME,
    APPROVE,
    SKIP,
    PROMOTE,
    PROMOTE_FULL,
    ABORT,
    RETRY,
    LOCK,
    UNLOCK,
    WEIGHT_DOWN, /* to 2 */
    WEIGHT_UP,   /* to 60 */
    WEBHOOK,     /* of type rollback says yes */
    NO_CANARY,   /* no healthy target */
    LATER,       /* an update of the last step */
    PRESENT,     /* an update of the present step, by force */
    OTHER,       /* an update of what is judged, by force */
    EVENTS,
};
static const char *const event_names[EVENTS] = {
    "start", "pause",  "resume", "approve", "skip",    "promote",   "promote --full", "abort",   "retry",
    "lock",  "unlock", "2 %",    "60 %",    "webhook", "no canary", "later",          "present", "other"};

static struct sim sims[SITUATIONS];

/* ---- how they are reached ---- */

static struct plan *plan_of(enum situation situation)
{
    struct plan *plan = sim_plan();

    sim_step(plan, 5, 60);
    sim_step(plan, 12, 180)->pause = situation == AT_PAUSE ? PAUSE_APPROVAL : PAUSE_NONE;
    sim_step(plan, 25, 180);
    sim_step(plan, 50, 180);
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    plan->rollback.mode = ROLLBACK_RAMP;
    plan->rollback.retry_max = situation == ROLLED_BACK ? 0 : 1;
    if (situation == WORSE)
        plan->on_regression = ON_REGRESSION_HOLD;
    return plan;
}

/* Until it is in that state; slow above `capacity`. */
static void until_state(struct sim *sim, enum rollout_state state, uint32_t capacity)
{
    for (int s = 0; s < 10800 && sim->r.state != state; s++) {
        sim->canary.slow = sim->r.weight > capacity ? 0.4 : 0.005;
        sim_tick(sim);
    }
    ck_assert_int_eq(sim->r.state, state);
}

static void until_reason(struct sim *sim, enum reason reason)
{
    for (int s = 0; s < 10800 && sim->d.reason != reason; s++)
        sim_tick(sim);
    ck_assert_int_eq(sim->d.reason, reason);
}

static void until_weight(struct sim *sim, uint32_t weight)
{
    for (int s = 0; s < 10800 && sim->r.weight != weight; s++)
        sim_tick(sim);
    ck_assert_uint_eq(sim->r.weight, weight);
}

static void give(struct sim *sim, struct rollout_order order)
{
    char why[ROLLOUT_WHY_MAX];

    order.actor = "alice";
    ck_assert_msg(rollout_command(&sim->r, sim->plan, &order, sim->in.wall_ns, why), "%s", why);
}

static void bring_to(struct sim *sim, enum situation situation)
{
    sim_init(sim, plan_of(situation), 1);
    if (situation == PENDING)
        return;
    sim->in.canary.healthy = situation == WAITING ? 0 : 2;
    give(sim, (struct rollout_order){.command = COMMAND_START});
    sim_tick(sim);
    if (situation == WAITING)
        return;
    until_weight(sim, 1200);
    switch (situation) {
    case PENDING:
    case WAITING:
    case RUNNING:
        break;
    case AT_PAUSE:
        until_reason(sim, REASON_APPROVAL);
        break;
    case BY_HAND:
        give(sim, (struct rollout_order){.command = COMMAND_WEIGHT, .weight = 1000});
        break;
    case LOCKED:
        give(sim, (struct rollout_order){.command = COMMAND_LOCK});
        break;
    case WORSE:
        sim->canary.errors = 0.05;
        until_reason(sim, REASON_REGRESSION);
        sim->canary.errors = sim->stable.errors;
        break;
    case PAUSED:
        give(sim, (struct rollout_order){.command = COMMAND_PAUSE});
        break;
    case RETREATING:
        until_state(sim, ROLLOUT_RETREATING, 2000);
        break;
    case HELD:
        until_state(sim, ROLLOUT_HELD, 2000);
        break;
    case WATCHING:
        until_state(sim, ROLLOUT_WATCHING, PLAN_WEIGHT_ALL);
        break;
    case PROBING:
        until_state(sim, ROLLOUT_WATCHING, PLAN_WEIGHT_ALL);
        sim_run(sim, 300);
        sim->canary.errors = sim->stable.errors = 0.01;
        until_state(sim, ROLLOUT_PROBING, PLAN_WEIGHT_ALL);
        break;
    case ROLLING_BACK:
    case ROLLED_BACK:
    case QUARANTINED:
        sim->in.rollback_ordered = true;
        sim_tick(sim);
        sim->in.rollback_ordered = false;
        if (situation != ROLLING_BACK)
            sim_run(sim, 30);
        break;
    case PROMOTED:
        until_state(sim, ROLLOUT_PROMOTED, PLAN_WEIGHT_ALL);
        break;
    case SITUATIONS:
        BUG("no situation");
    }
    sim_tick(sim);
}

static void reach_all(void)
{
    for (enum situation s = 0; s < SITUATIONS; s++)
        bring_to(&sims[s], s);
}

static void forget_all(void)
{
    for (enum situation s = 0; s < SITUATIONS; s++)
        sim_fini(&sims[s]);
}

/* ---- what is said to them ---- */

static bool update(struct sim *sim, enum event event, struct plan *changed, char why[static ROLLOUT_WHY_MAX])
{
    bool done;

    *changed = *sim->plan;
    if (event == LATER)
        changed->steps[changed->steps_len - 1].window[0] = 'x';
    else if (event == PRESENT)
        changed->steps[sim->r.step < 0 ? 0 : sim->r.step].min_dwell_ns += NS_PER_S;
    else
        changed->analysis.false_rollback = 0.05;
    done = rollout_amend(&sim->r, sim->plan, changed, event != LATER, why);
    if (done)
        sim->plan = changed;
    return done;
}

/* False: refused, and `why` says why. */
static bool happens(struct sim *sim, enum event event, struct plan *changed, char why[static ROLLOUT_WHY_MAX])
{
    static const enum command commands[] = {
        [START] = COMMAND_START,
        [PAUSE] = COMMAND_PAUSE,
        [RESUME] = COMMAND_RESUME,
        [APPROVE] = COMMAND_APPROVE,
        [SKIP] = COMMAND_SKIP,
        [PROMOTE] = COMMAND_PROMOTE,
        [PROMOTE_FULL] = COMMAND_PROMOTE_FULL,
        [ABORT] = COMMAND_ABORT,
        [RETRY] = COMMAND_RETRY,
        [LOCK] = COMMAND_LOCK,
        [UNLOCK] = COMMAND_UNLOCK,
        [WEIGHT_DOWN] = COMMAND_WEIGHT,
        [WEIGHT_UP] = COMMAND_WEIGHT,
    };
    struct rollout_order order = {.actor = "bob", .weight = event == WEIGHT_UP ? 6000 : 200};

    why[0] = '\0';
    if (event == WEBHOOK)
        sim->in.rollback_ordered = true;
    else if (event == NO_CANARY)
        sim->in.canary.healthy = 0;
    else if (event >= LATER)
        return update(sim, event, changed, why);
    else
        order.command = commands[event];
    return event >= WEBHOOK || rollout_command(&sim->r, sim->plan, &order, sim->in.wall_ns, why);
}

/* As in the table below; with a restart before and one after it when `killed`. */
static void outcome(enum situation situation, enum event event, bool killed, char *out, size_t len)
{
    struct sim sim = sims[situation]; /* its plan is shared and not changed */
    struct plan *changed = mem_alloc(sizeof(*changed));
    char why[ROLLOUT_WHY_MAX], percent[PLAN_PERCENT_LEN];

    if (killed)
        sim_kill(&sim);
    if (happens(&sim, event, changed, why)) {
        if (killed)
            sim_kill(&sim);
        sim_tick(&sim);
        snprintf(out, len, "%s %s: %s %s", word_name(&rollout_state_words, sim.r.state),
                 sim.r.weight == sims[situation].r.weight ? "=" : plan_percent(sim.r.weight, percent),
                 word_name(&action_words, sim.d.action), word_name(&reason_words, sim.d.reason));
        ck_assert_str_eq(why, "");
    } else {
        snprintf(out, len, "no: %s", why);
    }
    free(changed);
}

/* ---- what comes of it ---- */

#define NOT_LOCKED   "no: it is not locked"
#define LOCKED_FIRST "no: the weight is locked; `unlock` it first"
#define MANUAL       "no: the weight was set by hand; `resume` goes on with the plan"
#define IS_WORSE                                                                                             \
    "no: the canary is worse: `retry` judges it afresh, `abort` goes back, `promote --full` goes to 100 "    \
    "all "                                                                                                   \
    "the same"
#define NOT_JUDGED                                                                                           \
    "no: what is judged cannot change while it runs, or falseRollback would hold for neither plan; of the "  \
    "analysis only maxExcess, maxExcessPerHour, forward, falsePromote, shapeHoldMax and what "               \
    "external metrics ask can: abort it and start a new rollout"
#define BEGUN "no: steps[4] has begun, and only later ones may be others; force changes it all the same"
#define NO_FUTURE(state)                                                                                     \
    "no: the rollout is " state ", and nothing is to come that a plan could change: start a new one"

/* The state and the weight ("=": as it was) after the next look, and its decision; or the refusal. */
static const struct {
    const char *others; /* what is not in `of` */
    const char *of[EVENTS];
} table[SITUATIONS] = {
    [PENDING] =
        {
            .others = "no: the rollout is pending: `start` begins it",
            .of =
                {
                    [START] = "running 5: forward start",
                    [ABORT] = "no: it has not started",
                    [LOCK] = "pending =: none none",
                    [UNLOCK] = NOT_LOCKED,
                    [WEBHOOK] = "pending =: none none",
                    [NO_CANARY] = "pending =: none none",
                    [LATER] = "pending =: none none",
                    [PRESENT] = "pending =: none none",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [WAITING] =
        {
            .others =
                "no: the rollout is pending: it waits for healthy targets or for `unlock`; `abort` ends it",
            .of =
                {
                    [START] = "no: it is starting already",
                    [ABORT] = "rolledBack =: none abort",
                    [LOCK] = "pending =: hold targets",
                    [UNLOCK] = NOT_LOCKED,
                    [WEBHOOK] = "pending =: hold targets",
                    [NO_CANARY] = "pending =: hold targets",
                    [LATER] = "pending =: hold targets",
                    [PRESENT] = "pending =: hold targets",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [RUNNING] =
        {
            .others = "no: the rollout is running: it has started already",
            .of =
                {
                    [PAUSE] = "paused =: hold paused",
                    [RESUME] = "no: it is not paused",
                    [APPROVE] = "no: nothing waits for an approval",
                    [SKIP] = "running 25: forward manual",
                    [PROMOTE] = "running =: hold dwell",
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [RETRY] = "no: it is running, and nothing has failed",
                    [LOCK] = "running =: hold dwell",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "running =: hold dwell",
                    [PRESENT] = "running =: hold dwell",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [AT_PAUSE] =
        {
            .others = "no: the rollout is running: it has started already",
            .of =
                {
                    [PAUSE] = "paused =: hold paused",
                    [RESUME] = "no: it is not paused",
                    [APPROVE] = "running 25: forward approved",
                    [SKIP] = "running 25: forward manual",
                    [PROMOTE] = "running 25: forward evidence",
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [RETRY] = "no: it is running, and nothing has failed",
                    [LOCK] = "running =: hold approval",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "running =: hold approval",
                    [PRESENT] = "running =: hold approval",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [BY_HAND] =
        {
            .others = "no: the rollout is running: it has started already",
            .of =
                {
                    [PAUSE] = "paused =: hold paused",
                    [RESUME] = "running =: hold dwell",
                    [APPROVE] = MANUAL,
                    [SKIP] = MANUAL,
                    [PROMOTE] = "running =: hold dwell",
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [RETRY] = "no: it is running, and nothing has failed",
                    [LOCK] = "running =: hold locked",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "running =: hold paused",
                    [PRESENT] = "running =: hold paused",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [LOCKED] =
        {
            .others = "no: the rollout is running: it has started already",
            .of =
                {
                    [PAUSE] = "paused =: hold paused",
                    [RESUME] = "no: it is not paused",
                    [APPROVE] = "no: nothing waits for an approval",
                    [SKIP] = LOCKED_FIRST,
                    [PROMOTE] = LOCKED_FIRST,
                    [PROMOTE_FULL] = LOCKED_FIRST,
                    [ABORT] = "rollingBack 0: rollback abort",
                    [RETRY] = "no: it is running, and nothing has failed",
                    [LOCK] = "running =: hold dwell",
                    [UNLOCK] = "running =: hold dwell",
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "running =: hold dwell",
                    [PRESENT] = "running =: hold dwell",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [WORSE] =
        {
            .others = "no: the rollout is running: it has started already",
            .of =
                {
                    [PAUSE] = "paused =: hold regression",
                    [RESUME] = IS_WORSE,
                    [APPROVE] = "no: nothing waits for an approval",
                    [SKIP] = IS_WORSE,
                    [PROMOTE] = IS_WORSE,
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [RETRY] = "running =: hold dwell",
                    [LOCK] = "running =: hold regression",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "running =: hold regression",
                    [PRESENT] = "running =: hold regression",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [PAUSED] =
        {
            .others = "no: the rollout is paused: `resume` it first",
            .of =
                {
                    [RESUME] = "running =: hold dwell",
                    [APPROVE] = "running =: hold dwell",
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [LOCK] = "paused =: hold paused",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "paused =: hold paused",
                    [PRESENT] = "paused =: hold paused",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [RETREATING] =
        {
            .others = "no: the rollout is retreating: wait until it is at a step again; `lock` keeps it from "
                      "going on then, `promote --full` goes to 100, `abort` goes back",
            .of =
                {
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [LOCK] = "retreating =: hold loadDependent",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "retreating =: hold loadDependent",
                    [PRESENT] = "retreating =: hold loadDependent",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [HELD] =
        {
            .others = "no: the rollout is held: `resume`, `retry` or `abort` it",
            .of =
                {
                    [PAUSE] = "paused =: hold paused",
                    [RESUME] = "running 23.43: forward evidence",
                    [SKIP] = "running 23.43: forward manual",
                    [PROMOTE] = "running 23.43: forward evidence",
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [RETRY] = "running =: hold dwell",
                    [LOCK] = "held =: hold loadDependent",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = "held =: hold loadDependent",
                    [PRESENT] = "held =: hold loadDependent",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [WATCHING] =
        {
            .others =
                "no: the rollout is watching: it has all traffic; `promote` ends the bake, `abort` goes "
                "back",
            .of =
                {
                    [PAUSE] = "paused =: hold paused",
                    [SKIP] = "promoted =: promote manual",
                    [PROMOTE] = "promoted =: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [LOCK] = "watching =: hold dwell",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: retreat manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = BEGUN,
                    [PRESENT] = "watching =: hold dwell",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [PROBING] =
        {
            .others = "no: the rollout is probing: wait until it is at a step again; `lock` keeps it from "
                      "going on then, `promote --full` goes to 100, `abort` goes back",
            .of =
                {
                    [PROMOTE_FULL] = "watching 100: promote manual",
                    [ABORT] = "rollingBack 0: rollback abort",
                    [LOCK] = "probing =: hold probe",
                    [UNLOCK] = NOT_LOCKED,
                    [WEIGHT_DOWN] = "running 2: retreat manual",
                    [WEIGHT_UP] = "running 60: forward manual",
                    [WEBHOOK] = "rollingBack =: rollback webhook",
                    [NO_CANARY] = "rollingBack 0: rollback targets",
                    [LATER] = BEGUN,
                    [PRESENT] = "probing =: hold probe",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [ROLLING_BACK] =
        {
            .others = "no: the rollout is rollingBack: wait until it is at 0; `abort` is there at once",
            .of =
                {
                    [ABORT] = "rollingBack 0: rollback abort",
                    [UNLOCK] = NOT_LOCKED,
                    [WEBHOOK] = "rollingBack 10.8: none webhook",
                    [NO_CANARY] = "rollingBack 0: none webhook",
                    [LATER] = NO_FUTURE("rollingBack"),
                    [PRESENT] = NO_FUTURE("rollingBack"),
                    [OTHER] = NO_FUTURE("rollingBack"),
                },
        },
    [ROLLED_BACK] =
        {
            .others = "no: the rollout is rolledBack: it is at 0; `retry` begins again",
            .of =
                {
                    [RETRY] = "running 5: forward retry",
                    [UNLOCK] = NOT_LOCKED,
                    [WEBHOOK] = "rolledBack =: none webhook",
                    [NO_CANARY] = "rolledBack =: none webhook",
                    [LATER] = NO_FUTURE("rolledBack"),
                    [PRESENT] = NO_FUTURE("rolledBack"),
                    [OTHER] = NO_FUTURE("rolledBack"),
                },
        },
    [QUARANTINED] =
        {
            .others =
                "no: the rollout is quarantined: it is at 0 and begins again by itself; `retry` does it "
                "now, `abort` ends it",
            .of =
                {
                    [ABORT] = "rolledBack =: none abort",
                    [RETRY] = "running 5: forward retry",
                    [UNLOCK] = NOT_LOCKED,
                    [WEBHOOK] = "quarantined =: none webhook",
                    [NO_CANARY] = "quarantined =: none webhook",
                    [LATER] = "quarantined =: none webhook",
                    [PRESENT] = "quarantined =: none webhook",
                    [OTHER] = NOT_JUDGED,
                },
        },
    [PROMOTED] =
        {
            .others = "no: the rollout is promoted: it has ended; a new rollout can be started",
            .of =
                {
                    [ABORT] = "rollingBack 0: rollback abort",
                    [UNLOCK] = NOT_LOCKED,
                    [WEBHOOK] = "promoted =: none none",
                    [NO_CANARY] = "promoted =: none none",
                    [LATER] = NO_FUTURE("promoted"),
                    [PRESENT] = NO_FUTURE("promoted"),
                    [OTHER] = NO_FUTURE("promoted"),
                },
        },
};

static const char *expected(enum situation situation, enum event event)
{
    const char *outcome = table[situation].of[event];

    return outcome ? outcome : table[situation].others;
}

START_TEST(every_order_in_every_situation_has_its_outcome)
{
    char got[ROLLOUT_WHY_MAX + 8];

    reach_all();
    for (enum situation s = 0; s < SITUATIONS; s++) {
        for (enum event e = 0; e < EVENTS; e++) {
            outcome(s, e, false, got, sizeof(got));
            ck_assert_msg(strcmp(got, expected(s, e)) == 0, "%s, %s: got \"%s\", not \"%s\"",
                          situation_names[s], event_names[e], got, expected(s, e));
        }
    }
    forget_all();
}
END_TEST

START_TEST(a_restart_before_and_after_it_changes_nothing)
{
    char got[ROLLOUT_WHY_MAX + 8];

    reach_all();
    for (enum situation s = 0; s < SITUATIONS; s++) {
        for (enum event e = 0; e < EVENTS; e++) {
            outcome(s, e, true, got, sizeof(got));
            ck_assert_msg(strcmp(got, expected(s, e)) == 0, "%s, %s: got \"%s\", not \"%s\"",
                          situation_names[s], event_names[e], got, expected(s, e));
        }
    }
    forget_all();
}
END_TEST

/* A process that is killed each second decides what one that lives decides, word for word. */
START_TEST(a_restart_in_every_situation_goes_on_the_same)
{
    reach_all();
    for (enum situation s = 0; s < SITUATIONS; s++) {
        struct sim lives = sims[s], dies = sims[s];

        for (int second = 0; second < 400; second++) {
            sim_kill(&dies);
            sim_tick(&lives);
            sim_tick(&dies);
            ck_assert_msg(lives.r.state == dies.r.state && lives.r.weight == dies.r.weight &&
                              lives.d.action == dies.d.action && lives.d.reason == dies.d.reason &&
                              strcmp(lives.d.text, dies.d.text) == 0,
                          "%s, second %d: %s %u \"%s\" and %s %u \"%s\"", situation_names[s], second,
                          word_name(&rollout_state_words, lives.r.state), lives.r.weight, lives.d.text,
                          word_name(&rollout_state_words, dies.r.state), dies.r.weight, dies.d.text);
        }
    }
    forget_all();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("cells");
    TCase *tcase = tcase_create("cells");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, every_order_in_every_situation_has_its_outcome);
    tcase_add_test(tcase, a_restart_before_and_after_it_changes_nothing);
    tcase_add_test(tcase, a_restart_in_every_situation_goes_on_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}
