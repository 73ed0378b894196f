#include "route/balance.h"

enum {
    RAMP_ONE = 1000,
    RAMP_LEAST = 100, /* of a target's share, at the beginning of its slow start */
};

/* What a target may be passed over for. */
enum {
    PASS_OUT = 1,  /* ejected, or to be avoided */
    PASS_FULL = 2, /* no place is free */
};

struct choice {
    const struct route_group *group;
    const struct balance *balance;
    struct rnd *rnd;
    const struct route_target *avoid;
    int64_t now_ns;
    uint32_t n; /* the first n targets of the group take work */
    unsigned pass;
};

static bool is_out(const struct choice *choice, const struct route_target *target)
{
    return target == choice->avoid || choice->balance->out_until_ns[target->conf->slot] > choice->now_ns;
}

static bool is_full(const struct choice *choice, const struct route_target *target)
{
    uint32_t most = choice->balance->held_most[choice->group->conf->slot];

    return most > 0 &&
           atomic_load_explicit(&choice->balance->held[target->conf->slot], memory_order_relaxed) >= most;
}

static bool is_usable(const struct choice *choice, const struct route_target *target)
{
    return !(choice->pass & PASS_OUT && is_out(choice, target)) &&
           !(choice->pass & PASS_FULL && is_full(choice, target));
}

/* Where targets may be full: what they are passed over for, so that one is left. A full one is waited for
 * rather than an ejected one tried. */
static unsigned pass_of(const struct choice *choice)
{
    bool in = false, room = false;

    for (uint32_t i = 0; i < choice->n; i++) {
        bool full = is_full(choice, &choice->group->targets[i]);

        if (!is_out(choice, &choice->group->targets[i])) {
            if (!full)
                return PASS_OUT | PASS_FULL;
            in = true;
        }
        room |= !full;
    }
    return in ? PASS_OUT : room ? PASS_FULL : 0;
}

/* Whether a target that is warming up passes this request on. */
static bool passes_on(const struct choice *choice, const struct route_target *target)
{
    int64_t slow_ns = choice->group->conf->slow_start_ns, age_ns = choice->now_ns - target->state.opened_ns;
    int64_t share;

    if (target->state.opened_ns == 0 || age_ns >= slow_ns)
        return false;
    share = age_ns > 0 ? (int64_t)((double)age_ns / (double)slow_ns * RAMP_ONE) : 0;
    return rnd_below(choice->rnd, RAMP_ONE) >= (share > RAMP_LEAST ? share : RAMP_LEAST);
}

/* The first usable one from a place on, or the one at the place when there is none. */
static const struct route_target *usable_from(const struct choice *choice, uint32_t place)
{
    for (uint32_t i = 0; i < choice->n; i++) {
        const struct route_target *target = &choice->group->targets[(place + i) % choice->n];

        if (is_usable(choice, target))
            return target;
    }
    return &choice->group->targets[place];
}

static const struct route_target *least_request(const struct choice *choice)
{
    uint32_t first = rnd_below(choice->rnd, choice->n), second = rnd_below(choice->rnd, choice->n - 1);
    const struct route_target *a, *b, *better;
    const uint32_t *busy = choice->balance->busy;

    second += second >= first;
    a = &choice->group->targets[first];
    b = &choice->group->targets[second];
    if (!is_usable(choice, a) && !is_usable(choice, b))
        return usable_from(choice, first);
    if (!is_usable(choice, a))
        return b;
    if (!is_usable(choice, b))
        return a;
    better = busy[b->conf->slot] < busy[a->conf->slot] ? b : a;
    if (!passes_on(choice, better))
        return better;
    return better == a ? b : a;
}

static const struct route_target *round_robin(const struct choice *choice, uint32_t *turn)
{
    const struct route_target *target = NULL;

    for (uint32_t tries = 0; tries < choice->n; tries++) {
        target = usable_from(choice, (*turn)++ % choice->n);
        if (!passes_on(choice, target))
            break;
    }
    return target;
}

/* The finalizer of MurmurHash3: every bit of the input reaches every bit of the result. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static const struct route_target *by_hash(const struct choice *choice, struct str key)
{
    static const struct hash_key everywhere_the_same = {0, 0};
    uint64_t hash = hash_keyed(&everywhere_the_same, key), best_score = 0;
    const struct route_target *best = NULL, *any = NULL;

    for (uint32_t i = 0; i < choice->n; i++) {
        const struct route_target *target = &choice->group->targets[i];
        uint64_t score = mix(hash ^ target->hash);

        any = target;
        if (is_usable(choice, target) && (!best || score > best_score)) {
            best = target;
            best_score = score;
        }
    }
    return best ? best : any;
}

const struct route_target *balance_pick(const struct route_group *group, struct balance *balance,
                                        struct rnd *rnd, struct str key, int64_t now_ns,
                                        const struct route_target *avoid)
{
    struct choice choice = {.group = group,
                            .balance = balance,
                            .rnd = rnd,
                            .avoid = avoid,
                            .now_ns = now_ns,
                            .n = group->open_len ? group->open_len : group->ill_len,
                            .pass = PASS_OUT};

    if (choice.n <= 1)
        return choice.n ? &group->targets[0] : NULL;
    if (balance->held_most[group->conf->slot])
        choice.pass = pass_of(&choice);
    switch (group->conf->balance) {
    case CONFIG_BALANCE_LEAST_REQUEST:
        break;
    case CONFIG_BALANCE_ROUND_ROBIN:
        return round_robin(&choice, &balance->turn[group->conf->slot]);
    case CONFIG_BALANCE_CONSISTENT_HASH:
        if (key.len)
            return by_hash(&choice, key);
        break;
    }
    return least_request(&choice);
}
