#include "cli/check_power.h"

#include "cli/figure.h"
#include "decide/decision.h"

#include <math.h>

static const char *const size_names[POWER_SIZES] = {
    [POWER_X2] = "x 2", [POWER_X3] = "x 3", [POWER_X10] = "x 10", [POWER_ALL_BAD] = "all bad"};
static const char *const size_keys[POWER_SIZES] = {
    [POWER_X2] = "x2", [POWER_X3] = "x3", [POWER_X10] = "x10", [POWER_ALL_BAD] = "allBad"};

static const double far_s = 1e8; /* three years: never, for a rollout */

/* ---- for people ---- */

/* With the two largest units: "1d15h", "6h33m", "28m54s", "45s". */
static const char *time_text(double seconds, char out[static DECISION_NUMBER_LEN])
{
    static const struct {
        long long seconds;
        const char *name, *next;
    } units[] = {{86400, "d", "h"}, {3600, "h", "m"}, {60, "m", "s"}};
    static const long long parts[] = {3600, 60, 1};
    long long left = seconds < far_s ? (long long)ceil(seconds) : 0;

    if (!(seconds < far_s))
        return "never";
    snprintf(out, DECISION_NUMBER_LEN, "%llds", left);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        long long whole = left / units[i].seconds, part = left % units[i].seconds / parts[i];

        if (whole == 0)
            continue;
        if (part)
            snprintf(out, DECISION_NUMBER_LEN, "%lld%s%lld%s", whole, units[i].name, part, units[i].next);
        else
            snprintf(out, DECISION_NUMBER_LEN, "%lld%s", whole, units[i].name);
        break;
    }
    return out;
}

static void print_detect(const struct power_detect *detect, FILE *out)
{
    char cell[48] = "never", time[DECISION_NUMBER_LEN];

    if (detect->seconds < far_s)
        snprintf(cell, sizeof cell, "%s, %.*f", time_text(detect->seconds, time),
                 detect->at_risk < 9.95 ? 1 : 0, detect->at_risk);
    fprintf(out, "%14s", cell);
}

static void print_metric(const struct power_metric *metric, const struct plan *plan, FILE *out)
{
    char smallest[16] = "none", need[DECISION_NUMBER_LEN], time[DECISION_NUMBER_LEN];

    if (metric->smallest < 1e6)
        snprintf(smallest, sizeof smallest, "x %.3g", metric->smallest);
    fprintf(out, "  %-14s%8s", plan->analysis.metrics[metric->metric].name, smallest);
    for (size_t i = 0; i < POWER_SIZES; i++)
        print_detect(&metric->sizes[i], out);
    if (metric->need > 0)
        fprintf(out, "  %s, %s", time_text(metric->forward_s, time),
                metric->need < 1e15 ? decision_count((uint64_t)metric->need, need) : "any number");
    fprintf(out, "\n");
}

static void print_step(const struct power_step *step, const struct plan *plan, FILE *out)
{
    char percent[PLAN_PERCENT_LEN], time[DECISION_NUMBER_LEN], warm[DECISION_NUMBER_LEN];

    fprintf(out, "%s %%, %.3g requests a second to the canary", plan_percent(step->weight, percent),
            step->rate);
    if (step->skipped)
        fprintf(out, ": too few, it is passed over\n");
    else if (step->warm_s < step->least_s)
        fprintf(out, ", %s at least, %s without a cold start\n", time_text(step->least_s, time),
                time_text(step->warm_s, warm));
    else
        fprintf(out, ", %s at least\n", time_text(step->least_s, time));
    for (size_t i = 0; i < step->metrics_len; i++)
        print_metric(&step->metrics[i], plan, out);
}

void check_power_print(const struct power *power, const struct plan *plan,
                       const struct power_traffic *traffic, FILE *out)
{
    char errors[FIGURE_LEN], slow[FIGURE_LEN], time[DECISION_NUMBER_LEN];

    fprintf(
        out,
        "\n%s at %g requests a second, when %s fail and %s are slow on a good day.\n"
        "Least: the least trouble that is found within minDwell, in times as bad as stable. For trouble of\n"
        "some sizes: the time to find it, and bad requests until then. Next step: when the counts allow it,\n"
        "and after how many requests to the canary.\n\n",
        plan->name, traffic->rate, figure_percent(100 * traffic->errors, errors),
        figure_percent(100 * traffic->slow, slow));
    fprintf(out, "  %-14s%8s", "", "least");
    for (size_t i = 0; i < POWER_SIZES; i++)
        fprintf(out, "%14s", size_names[i]);
    fprintf(out, "  next step\n");
    for (size_t i = 0; i < power->len; i++)
        print_step(&power->steps[i], plan, out);
    fprintf(out, "\nTo 100 %% in %s at least, without windows, approvals and gates.\n",
            time_text(power->least_s, time));
    if (power->warm_s < power->least_s)
        fprintf(
            out,
            "In %s, which is likely, when a whole grace shows that the canary has no cold start: the raises\n"
            "behind it have none then.\n",
            time_text(power->warm_s, time));
    if (power->watch_s > 0)
        fprintf(out, "At 100 %%, ten times as many errors are found and proven in %s.\n",
                time_text(power->watch_s, time));
}

/* ---- for programs ---- */

static json_t *real_or_null(double value)
{
    return value < far_s ? json_real(value) : json_null();
}

static json_t *metric_json(const struct power_metric *metric, const struct plan *plan)
{
    json_t *json = json_pack("{s:s, s:o}", "name", plan->analysis.metrics[metric->metric].name, "smallest",
                             real_or_null(metric->smallest));

    for (size_t i = 0; i < POWER_SIZES; i++)
        json_object_set_new(json, size_keys[i],
                            json_pack("{s:o, s:o}", "seconds", real_or_null(metric->sizes[i].seconds),
                                      "atRisk", real_or_null(metric->sizes[i].at_risk)));
    if (metric->need > 0) {
        json_object_set_new(json, "need", metric->need < 1e15 ? json_real(metric->need) : json_null());
        json_object_set_new(json, "forward", real_or_null(metric->forward_s));
    }
    return json;
}

static json_t *step_json(const struct power_step *step, const struct plan *plan)
{
    json_t *metrics = json_array();

    for (size_t i = 0; i < step->metrics_len; i++)
        json_array_append_new(metrics, metric_json(&step->metrics[i], plan));
    return json_pack("{s:I, s:f, s:f, s:b, s:o, s:o, s:o}", "step", (json_int_t)step->step + 1, "weight",
                     step->weight / 100.0, "rate", step->rate, "skipped", step->skipped, "least",
                     real_or_null(step->least_s), "warm", real_or_null(step->warm_s), "metrics", metrics);
}

json_t *check_power_json(const struct power *power, const struct plan *plan,
                         const struct power_traffic *traffic)
{
    json_t *steps = json_array();

    for (size_t i = 0; i < power->len; i++)
        json_array_append_new(steps, step_json(&power->steps[i], plan));
    return json_pack("{s:s, s:f, s:f, s:f, s:o, s:o, s:o, s:o}", "plan", plan->name, "rps", traffic->rate,
                     "errors", traffic->errors, "slow", traffic->slow, "steps", steps, "least",
                     real_or_null(power->least_s), "warm", real_or_null(power->warm_s), "watch",
                     power->watch_s > 0 ? real_or_null(power->watch_s) : json_null());
}

/* ---- warnings ---- */

struct warning {
    const char *path;
    struct conf_report *report;
};

static void add_warning(void *arg, const char *path, const char *text, bool warning)
{
    const struct warning *to = arg;

    conf_report_add(to->report, warning ? CONF_WARNING : CONF_ERROR, to->path, 0, 0, "%s: %s", path, text);
}

void check_power_warn(const struct power *power, const struct plan *plan, const struct power_traffic *traffic,
                      const char *path, struct conf_report *report)
{
    struct warning to = {path, report};

    power_warn(power, plan, traffic, add_warning, &to);
}
