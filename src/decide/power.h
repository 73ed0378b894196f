/*
 * What a plan can find out before it is run: per step the smallest regression that its evidence can see, how
 * long that takes, how many requests are bad until then, and the least time until the counts allow the next
 * step. The drift of the evidence (decide/evidence) is known in closed form; the time is threshold over drift
 * (Wald 1945), and with the cap of a bin at least some bins. Against simulation the medians are within a
 * fifth without the cap, within a half with it.
 *
 * Plain data. Thread: any; pure.
 */
#ifndef DECIDE_POWER_H
#define DECIDE_POWER_H

#include "decide/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The traffic that the plan will meet. */
struct power_traffic {
    double rate;                 /* requests a second, both groups */
    double errors, slow, client; /* shares that are bad on a healthy day, above 0 */
};

/* The sizes of trouble that are asked about. */
enum power_size { POWER_X2, POWER_X3, POWER_X10, POWER_ALL_BAD, POWER_SIZES };

struct power_detect {
    double seconds; /* INFINITY: never */
    double at_risk; /* bad requests until then beyond those that stable would have had */
};

/* One metric at one weight. */
struct power_metric {
    size_t metric;   /* in the plan */
    double smallest; /* the least ratio that is seen within minDwell; INFINITY: none */
    struct power_detect sizes[POWER_SIZES];
    double need; /* canary requests of this step until its gate passes; INFINITY: it never does; 0: it sets no
                    gate */
    double forward_s; /* after the raise, until its gate can pass */
    double warm_s;    /* the same of a raise without grace */
};

struct power_step {
    size_t step; /* in the plan */
    uint32_t weight;
    double rate;                                   /* requests a second to the canary */
    bool skipped;                                  /* ramp.minCanaryRate passes it over */
    double least_s;                                /* until the next step, without windows and approvals */
    double warm_s;                                 /* the same of a canary without a cold start */
    double requests;                               /* to the canary in least_s, from the raise on */
    struct power_metric metrics[PLAN_METRICS_MAX]; /* those that may send it back */
    size_t metrics_len;
};

struct power {
    struct power_step steps[PLAN_STEPS_MAX]; /* the steps with a weight between 0 and 100 */
    size_t len;
    double least_s;  /* to 100 %, without windows, approvals and gates, when each raise has its grace */
    double warm_s;   /* the same when the canary turns out to have no cold start */
    double watch_s;  /* at 100 %: to find errors that are ten times as many; INFINITY: never, 0: not asked */
    int64_t bake_ns; /* of the step to 100 % */
};

/* The times for a canary that is `ratio` times as bad as stable. `metric` is of a finished plan, `base` the
 * share of bad requests, `w` the weight as a share. */
struct power_detect power_detect(const struct plan *plan, const struct plan_metric *metric, double rate,
                                 double base, double w, double ratio);
/* The power of a finished and checked plan with the judge penstock. It is large: keep it on the heap. */
void power_init(struct power *power, const struct plan *plan, const struct power_traffic *traffic);
/* Reports the steps that can decide nothing, as warnings of plan_report. */
void power_warn(const struct power *power, const struct plan *plan, const struct power_traffic *traffic,
                plan_report *report, void *arg);

#endif
