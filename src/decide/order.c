/* Orders from people and programs (rollout_command of decide/rollout.h): which are allowed when, and what
 * they note for the next look. */
#include "decide/look.h"

#include "base/clk.h"

#include <stdarg.h>
#include <stdio.h>

#define STATE(name) (1u << ROLLOUT_##name)

/* The states in which an order makes sense; the functions below know the exceptions. */
static const unsigned allowed[] = {
    [COMMAND_START] = STATE(PENDING),
    [COMMAND_PAUSE] = STATE(RUNNING) | STATE(HELD) | STATE(WATCHING),
    [COMMAND_RESUME] = STATE(PAUSED) | STATE(RUNNING) | STATE(HELD),
    [COMMAND_APPROVE] = STATE(RUNNING) | STATE(PAUSED),
    [COMMAND_SKIP] = STATE(RUNNING) | STATE(HELD) | STATE(WATCHING),
    [COMMAND_PROMOTE] = STATE(RUNNING) | STATE(HELD) | STATE(WATCHING),
    [COMMAND_PROMOTE_FULL] =
        STATE(RUNNING) | STATE(PAUSED) | STATE(HELD) | STATE(RETREATING) | STATE(PROBING),
    [COMMAND_ABORT] = STATE(PENDING) | STATE(RUNNING) | STATE(PAUSED) | STATE(RETREATING) | STATE(HELD) |
                      STATE(WATCHING) | STATE(PROBING) | STATE(ROLLING_BACK) | STATE(QUARANTINED) |
                      STATE(PROMOTED),
    [COMMAND_RETRY] =
        STATE(ROLLED_BACK) | STATE(QUARANTINED) | STATE(HELD) | STATE(RUNNING) | STATE(WATCHING),
    [COMMAND_LOCK] = STATE(PENDING) | STATE(RUNNING) | STATE(PAUSED) | STATE(RETREATING) | STATE(HELD) |
                     STATE(WATCHING) | STATE(PROBING),
    [COMMAND_UNLOCK] = STATE(PENDING) | STATE(RUNNING) | STATE(PAUSED) | STATE(RETREATING) | STATE(HELD) |
                       STATE(WATCHING) | STATE(PROBING) | STATE(ROLLING_BACK) | STATE(ROLLED_BACK) |
                       STATE(QUARANTINED) | STATE(PROMOTED),
    [COMMAND_WEIGHT] =
        STATE(RUNNING) | STATE(PAUSED) | STATE(RETREATING) | STATE(HELD) | STATE(WATCHING) | STATE(PROBING),
};

struct order {
    struct rollout *r;
    const struct plan *plan;
    const struct rollout_order *said;
    int64_t wall_ns;
    char *why;
};

/* The reason of a refusal. Always false. */
static bool refuse(struct order *order, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct order *order, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(order->why, ROLLOUT_WHY_MAX, fmt, args);
    va_end(args);
    return false;
}

/* What would be right instead, in a state that does not take the order. */
static const char *remedy(const struct rollout *r)
{
    switch (r->state) {
    case ROLLOUT_PENDING:
        return r->starting ? "it waits for healthy targets or for `unlock`; `abort` ends it"
                           : "`start` begins it";
    case ROLLOUT_RUNNING:
        return "it has started already";
    case ROLLOUT_PAUSED:
        return "`resume` it first";
    case ROLLOUT_RETREATING:
    case ROLLOUT_PROBING:
        return "wait until it is at a step again; `lock` keeps it from going on then, `promote --full` goes "
               "to 100, "
               "`abort` goes back";
    case ROLLOUT_HELD:
        return "`resume`, `retry` or `abort` it";
    case ROLLOUT_WATCHING:
        return "it has all traffic; `promote` ends the bake, `abort` goes back";
    case ROLLOUT_ROLLING_BACK:
        return "wait until it is at 0; `abort` is there at once";
    case ROLLOUT_ROLLED_BACK:
        return "it is at 0; `retry` begins again";
    case ROLLOUT_QUARANTINED:
        return "it is at 0 and begins again by itself; `retry` does it now, `abort` ends it";
    case ROLLOUT_PROMOTED:
        return "it has ended; a new rollout can be started";
    }
    BUG("rollout state %d", (int)r->state);
}

static bool refuse_state(struct order *order)
{
    return refuse(order, "the rollout is %s: %s", word_name(&rollout_state_words, order->r->state),
                  remedy(order->r));
}

/* It would go back, and the plan says hold. */
static bool is_worse(const struct order *order)
{
    const struct rollout *r = order->r;

    if (r->hold == REASON_EXTERNAL && externals_are_over(&r->externals, order->plan))
        return r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_WATCHING;
    return r->state == ROLLOUT_RUNNING &&
           (r->hold == REASON_REGRESSION || r->hold == REASON_CATASTROPHE || r->hold == REASON_BUDGET);
}

static bool refuse_worse(struct order *order)
{
    return refuse(
        order, "the canary is worse: `retry` judges it afresh, `abort` goes back, `promote --full` goes to "
               "100 all the same");
}

static enum rollout_state running_state(const struct rollout *r)
{
    return r->weight == PLAN_WEIGHT_ALL && !r->manual ? ROLLOUT_WATCHING : ROLLOUT_RUNNING;
}

/* Back to the plan after a weight by hand: at the step that this weight has reached. */
static void end_manual(struct order *order)
{
    struct rollout *r = order->r;

    r->manual = false;
    r->step = r->weight_step = -1;
    for (size_t i = 0; i < order->plan->steps_len; i++) {
        if (order->plan->steps[i].kind == STEP_WEIGHT && order->plan->steps[i].weight <= r->weight)
            r->step = r->weight_step = (int32_t)i;
    }
    r->passed = r->step < 0 ? 0 : r->step; /* a person began anew from here */
    r->dwell_ns = 0;
    r->approved = r->skip = false;
}

static bool start(struct order *order)
{
    if (order->r->starting)
        return refuse(order, "it is starting already");
    order->r->starting = true;
    return true;
}

static bool pause_it(struct order *order)
{
    snprintf(order->r->paused_by, sizeof(order->r->paused_by), "%s", order->said->actor);
    rollout_set_state(order->r, ROLLOUT_PAUSED, order->wall_ns);
    return true;
}

static bool resume(struct order *order)
{
    struct rollout *r = order->r;
    bool shape = r->hold == REASON_LATENCY_SHIFT || r->hold == REASON_SUSPICIOUSLY_FAST;

    if (r->state == ROLLOUT_RUNNING && !r->manual && !shape)
        return is_worse(order) ? refuse_worse(order) : refuse(order, "it is not paused");
    if (r->manual)
        end_manual(order);
    if (shape && r->guards.holds >= 0)
        r->guards.accepted[r->guards.holds] = true;
    rollout_set_state(r, running_state(r), order->wall_ns);
    return true;
}

static bool approve(struct order *order)
{
    struct rollout *r = order->r;
    const struct plan_step *step = r->step < 0 ? NULL : &order->plan->steps[r->step];
    uint32_t next = look_next_weight(r, order->plan);
    bool asked = rollout_pause(r, order->plan) != PAUSE_NONE || (step && step->gate[0]) ||
                 (r->ceiling && next > r->ceiling);

    if (r->manual)
        return refuse(order, "the weight was set by hand; `resume` goes on with the plan");
    if (r->state == ROLLOUT_RUNNING && (!asked || r->approved))
        return refuse(order, "nothing waits for an approval");
    r->approved = asked;
    rollout_set_state(r, running_state(r), order->wall_ns);
    return true;
}

static bool skip(struct order *order)
{
    struct rollout *r = order->r;

    if (r->locked)
        return refuse(order, "the weight is locked; `unlock` it first");
    if (r->manual)
        return refuse(order, "the weight was set by hand; `resume` goes on with the plan");
    if (is_worse(order))
        return refuse_worse(order);
    if (r->state != ROLLOUT_WATCHING && look_next_step(r, order->plan) >= order->plan->steps_len)
        return refuse(order, "there is no next step; `promote --full` goes to 100");
    r->skip = true;
    rollout_set_state(r, running_state(r), order->wall_ns);
    return true;
}

static bool promote(struct order *order)
{
    struct rollout *r = order->r;

    if (r->locked)
        return refuse(order, "the weight is locked; `unlock` it first");
    if (is_worse(order))
        return refuse_worse(order);
    if (r->manual)
        end_manual(order);
    r->promote = true;
    rollout_set_state(r, running_state(r), order->wall_ns);
    return true;
}

static bool promote_full(struct order *order)
{
    struct rollout *r = order->r;

    if (r->locked)
        return refuse(order, "the weight is locked; `unlock` it first");
    r->manual = r->manual_pending = false;
    r->full = true;
    rollout_set_state(r, running_state(r), order->wall_ns);
    return true;
}

static bool abort_it(struct order *order)
{
    struct rollout *r = order->r;
    int64_t since_ns = order->wall_ns - r->state_wall_ns;

    if (r->state == ROLLOUT_PENDING && !r->starting)
        return refuse(order, "it has not started");
    if (r->state == ROLLOUT_ROLLING_BACK && r->target == r->weight)
        return refuse(order, "it is going back already");
    if (r->state == ROLLOUT_PROMOTED && since_ns > order->plan->rollback.window_ns)
        return refuse(order, "it was promoted longer ago than rollbackWindow; set the weight by hand");
    if (r->state == ROLLOUT_PENDING || r->state == ROLLOUT_QUARANTINED) {
        r->starting = false;
        r->cause = REASON_ABORT;
        rollout_set_state(r, ROLLOUT_ROLLED_BACK, order->wall_ns);
        return true;
    }
    r->abort = true;
    return true;
}

/* By hand it is a new rollout with its own falseRollback. */
static bool retry(struct order *order)
{
    struct rollout *r = order->r;
    bool runs = r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_WATCHING;
    bool held = r->state == ROLLOUT_HELD || runs;

    if (runs && !is_worse(order))
        return r->state == ROLLOUT_RUNNING ? refuse(order, "it is running, and nothing has failed")
                                           : refuse_state(order);
    judge_init(&r->judge, order->plan);
    r->externals = (struct externals){0};
    r->attempts = 0;
    r->ceiling = 0;
    if (held) {
        rollout_take_weight(r, r->weight);
        rollout_set_state(r, running_state(r), order->wall_ns);
        return true;
    }
    r->step = r->weight_step = -1;
    r->starting = true;
    rollout_set_state(r, ROLLOUT_PENDING, order->wall_ns);
    return true;
}

static bool lock(struct order *order)
{
    snprintf(order->r->locked_by, sizeof(order->r->locked_by), "%s", order->said->actor);
    order->r->locked = true;
    order->r->locked_back = order->said->no_rollback;
    return true;
}

static bool unlock(struct order *order)
{
    if (!order->r->locked)
        return refuse(order, "it is not locked");
    order->r->locked = order->r->locked_back = false;
    return true;
}

static bool set_weight(struct order *order)
{
    struct rollout *r = order->r;

    if (order->said->weight > PLAN_WEIGHT_ALL)
        return refuse(order, "a weight is 0 to 100");
    if (order->said->lock)
        (void)lock(order);
    snprintf(r->paused_by, sizeof(r->paused_by), "%s", order->said->actor);
    r->manual_weight = order->said->weight;
    r->manual_pending = true;
    r->full = r->skip = r->promote = false;
    return true;
}

static bool obey(struct order *order)
{
    switch (order->said->command) {
    case COMMAND_START:
        return start(order);
    case COMMAND_PAUSE:
        return pause_it(order);
    case COMMAND_RESUME:
        return resume(order);
    case COMMAND_APPROVE:
        return approve(order);
    case COMMAND_SKIP:
        return skip(order);
    case COMMAND_PROMOTE:
        return promote(order);
    case COMMAND_PROMOTE_FULL:
        return promote_full(order);
    case COMMAND_ABORT:
        return abort_it(order);
    case COMMAND_RETRY:
        return retry(order);
    case COMMAND_LOCK:
        return lock(order);
    case COMMAND_UNLOCK:
        return unlock(order);
    case COMMAND_WEIGHT:
        return set_weight(order);
    }
    BUG("command %d", (int)order->said->command);
}

static bool state_takes(const struct rollout *rollout, enum command command)
{
    return allowed[command] >> rollout->state & 1;
}

bool rollout_command(struct rollout *rollout, const struct plan *plan, const struct rollout_order *order,
                     int64_t wall_ns, char why[static ROLLOUT_WHY_MAX])
{
    struct order all = {rollout, plan, order, wall_ns, why};

    why[0] = '\0';
    if (!state_takes(rollout, order->command))
        return refuse_state(&all);
    if (!obey(&all))
        return false;
    snprintf(rollout->actor, sizeof(rollout->actor), "%s", order->actor);
    snprintf(rollout->said, sizeof(rollout->said), "%s", order->text ? order->text : "");
    return true;
}

/* By trying it: a list of its own could say something else than what is done. */
bool rollout_takes(const struct rollout *rollout, const struct plan *plan, enum command command,
                   int64_t wall_ns)
{
    const struct rollout_order order = {.command = command, .actor = ""};
    struct rollout tried;
    char why[ROLLOUT_WHY_MAX];

    if (!state_takes(rollout, command))
        return false;
    tried = *rollout;
    return rollout_command(&tried, plan, &order, wall_ns, why);
}
