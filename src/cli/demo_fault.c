#include "cli/demo_fault.h"

#include "base/clk.h"

#include <string.h>

/* A healthy service (decisions.md 1.2): half of the answers within 45 ms, 0.5 % beyond the SLO, 0.1 % errors.
 */
static const struct demo_behaviour healthy = {
    .errors = 0.001,
    .median_ns = 45 * NS_PER_MS,
    .sigma = 0.736,
    .patience_ns = 2 * NS_PER_S,
};

#define ERRORS_SHARE 0.05
/* Of all requests, that the canary bears: twice the second step with ease, the third by no means. Nearer to
 * either chance would decide, or a processor that others use. */
#define CAPACITY_SHARE 0.63
#define SHARED_ERRORS  0.5
#define DOWN_WEIGHT    20.0 /* percent, from which on the canary is gone */
#define SHARED_FROM_S  3.0  /* the outage that both share, in the plan's time */
#define SHARED_UNTIL_S 8.0

const struct demo_fault_row demo_faults[DEMO_FAULTS] = {
    [DEMO_FAULT_NONE] = {"none", "the canary is as good as stable", "the canary takes all traffic"},
    [DEMO_FAULT_ERRORS] = {"errors", "the canary answers 5 % of its requests with 500", "it is rolled back"},
    [DEMO_FAULT_SLOW] = {"slow", "the canary takes ten times as long as the SLO allows", "it is rolled back"},
    [DEMO_FAULT_CAPACITY] = {"capacity", "the canary bears 63 % of the requests and no more",
                             "it goes back to what the canary bears, and is held there"},
    [DEMO_FAULT_OUTAGE] =
        {"outage",
         "first both groups fail together, which is not the canary's fault; later the canary "
         "alone refuses connections",
         "the first is waited out, then it is rolled back"},
};

bool demo_fault_parse(const char *name, enum demo_fault *fault_r)
{
    for (enum demo_fault fault = DEMO_FAULT_NONE; fault < DEMO_FAULTS; fault++) {
        if (strcmp(demo_faults[fault].name, name) == 0) {
            *fault_r = fault;
            return true;
        }
    }
    return false;
}

static bool is_shared_outage(const struct demo_moment *moment)
{
    double since_s = (double)moment->since_ns / NS_PER_S * moment->speed;

    return moment->since_ns >= 0 && moment->weight < DOWN_WEIGHT && since_s >= SHARED_FROM_S &&
           since_s < SHARED_UNTIL_S;
}

void demo_fault_behave(enum demo_fault fault, const struct demo_moment *moment,
                       struct demo_behaviour *stable_r, struct demo_behaviour *canary_r)
{
    *stable_r = *canary_r = healthy;
    switch (fault) {
    case DEMO_FAULT_NONE:
    case DEMO_FAULTS:
        break;
    case DEMO_FAULT_ERRORS:
        canary_r->errors = ERRORS_SHARE;
        break;
    case DEMO_FAULT_SLOW:
        canary_r->extra_ns = 10 * DEMO_SLO_NS;
        break;
    case DEMO_FAULT_CAPACITY:
        canary_r->capacity = CAPACITY_SHARE * moment->rate;
        break;
    case DEMO_FAULT_OUTAGE:
        if (is_shared_outage(moment))
            stable_r->errors = canary_r->errors = SHARED_ERRORS;
        canary_r->down = moment->weight >= DOWN_WEIGHT;
        break;
    }
}

bool demo_is_end(const char *state)
{
    return strcmp(state, "promoted") == 0 || strcmp(state, "rolledBack") == 0 || strcmp(state, "held") == 0;
}

bool demo_fault_ends_well(enum demo_fault fault, const char *state)
{
    bool back = strcmp(state, "rolledBack") == 0;

    switch (fault) {
    case DEMO_FAULT_NONE:
        return strcmp(state, "promoted") == 0;
    case DEMO_FAULT_ERRORS:
    case DEMO_FAULT_SLOW:
    case DEMO_FAULT_OUTAGE:
        return back;
    case DEMO_FAULT_CAPACITY:
        return strcmp(state, "held") == 0;
    case DEMO_FAULTS:
        break;
    }
    return false;
}
