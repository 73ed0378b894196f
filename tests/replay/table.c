#include "table.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void table_init(struct table *table, size_t seeds_max, unsigned who)
{
    *table = (struct table){.seeds_max = seeds_max, .who = who};
    table->results = mem_zalloc(CONTESTANTS_MAX * FAMILIES * seeds_max * sizeof(struct score_result));
}

void table_fini(struct table *table)
{
    free(table->results);
}

struct score_result *table_at(const struct table *table, size_t contestant, enum family_kind kind,
                              size_t seed)
{
    return &table->results[(contestant * FAMILIES + (size_t)kind) * table->seeds_max + seed];
}

/* ---- figures of one family ---- */

struct figures {
    double back, early, detected, stuck; /* shares of the runs */
    double time_s, harm;                 /* medians; NAN: none */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t len)
{
    if (len == 0)
        return NAN;
    qsort(values, len, sizeof(*values), by_value);
    return (values[(len - 1) / 2] + values[len / 2]) / 2;
}

static struct figures figures_of(const struct table *table, size_t contestant, enum family_kind kind)
{
    size_t len = table->seeds[kind], timed = 0;
    double *values = mem_alloc((2 * len + 1) * sizeof(*values)), *times = values + len;
    struct figures f = {0};

    for (size_t i = 0; i < len; i++) {
        const struct score_result *result = table_at(table, contestant, kind, i);

        f.back += result->back;
        f.early += result->early;
        f.detected += result->detected;
        f.stuck += result->stuck;
        values[i] = result->harm;
        if (!isnan(result->time_s))
            times[timed++] = result->time_s;
    }
    f.back /= (double)len;
    f.early /= (double)len;
    f.detected /= (double)len;
    f.stuck /= (double)len;
    f.harm = median(values, len);
    f.time_s = median(times, timed);
    free(values);
    return f;
}

/* ---- the table ---- */

static const char *time_text(double s, char out[static 16])
{
    if (isnan(s))
        snprintf(out, 16, "-");
    else if (s < 100)
        snprintf(out, 16, "%.0fs", s);
    else if (s < 100 * 60)
        snprintf(out, 16, "%.1fm", s / 60);
    else
        snprintf(out, 16, "%.1fh", s / 3600);
    return out;
}

static void print_cell(const struct table *table, size_t contestant, enum family_kind kind)
{
    struct figures f = figures_of(table, contestant, kind);
    char time[16], extra[16] = "";

    if (families[kind].class == CLASS_BAD) {
        if (f.early > 0)
            snprintf(extra, sizeof(extra), " e%.1f", 100 * f.early);
        printf("  %5.1f%% %6s %6.0f%-6s", 100 * f.detected, time_text(f.time_s, time), f.harm, extra);
        return;
    }
    if (f.stuck > f.back)
        snprintf(extra, sizeof(extra), " s%.1f", 100 * (f.stuck - f.back));
    printf("  %5.1f%% %6s %6.0f%-6s", 100 * f.back, time_text(f.time_s, time), f.harm, extra);
}

void table_print(const struct table *table)
{
    static const char *const classes[] = {"H", "C", "W", "B"};

    printf("H C W: share sent back, median time to 100 %%, median harm, sN: share stuck below 100 %%\n"
           "B:     share detected, median time from the onset to 0 %%, median harm, eN: share back too "
           "early\n\n");
    printf("%-14s%-3s%5s", "family", "", "runs");
    for (size_t i = 0; i < contestants_len; i++) {
        if (table->who >> i & 1)
            printf("  %-26s", contestants[i].name);
    }
    printf("\n");
    for (int kind = 0; kind < FAMILIES; kind++) {
        if (table->seeds[kind] == 0)
            continue;
        printf("%-14s%-3s%5zu", families[kind].name, classes[families[kind].class], table->seeds[kind]);
        for (size_t i = 0; i < contestants_len; i++) {
            if (table->who >> i & 1)
                print_cell(table, i, (enum family_kind)kind);
        }
        printf("\n");
    }
}

/* The judge with the least harm among those that find nearly all; the first if it is that itself. */
static size_t least_harm(const struct table *table, enum family_kind kind)
{
    double least = figures_of(table, 0, kind).harm;
    size_t best = 0;

    for (size_t i = 1; i + 1 < contestants_len; i++) { /* without the oracle */
        struct figures f = table->who >> i & 1 ? figures_of(table, i, kind) : (struct figures){0};

        if (f.detected >= 0.9 && f.harm < least) {
            least = f.harm;
            best = i;
        }
    }
    return best;
}

void table_print_peers(const struct table *table)
{
    const char *lead = "\nless harm than penstock, and at least 90 % found:";

    for (int kind = 0; kind < FAMILIES; kind++) {
        size_t best;

        if (families[kind].class != CLASS_BAD || table->seeds[kind] == 0)
            continue;
        best = least_harm(table, (enum family_kind)kind);
        if (best == 0)
            continue;
        printf("%s %s (%s, %.0f instead of %.0f)", lead, families[kind].name, contestants[best].name,
               figures_of(table, best, (enum family_kind)kind).harm,
               figures_of(table, 0, (enum family_kind)kind).harm);
        lead = ",";
    }
    if (*lead == ',')
        printf("\n");
}

/* ---- goals ---- */

struct goals {
    struct goal *goals;
    size_t len;
};

static void add_goal(struct goals *goals, bool known, double value, double limit, bool at_least,
                     const char *fmt, ...) PRINTF_LIKE(6, 7);
static void add_goal(struct goals *goals, bool known, double value, double limit, bool at_least,
                     const char *fmt, ...)
{
    struct goal *goal = &goals->goals[goals->len++];
    va_list args;

    *goal = (struct goal){.value = value, .limit = limit, .at_least = at_least, .known = known};
    va_start(args, fmt);
    vsnprintf(goal->text, sizeof(goal->text), fmt, args);
    va_end(args);
}

bool goal_is_met(const struct goal *goal)
{
    return goal->at_least ? goal->value >= goal->limit : goal->value <= goal->limit;
}

static void goals_healthy(const struct table *table, struct goals *goals)
{
    double runs = 0, back = 0, worst = 0;
    enum family_kind where = FAMILY_HEALTHY;

    for (int kind = 0; kind < FAMILIES; kind++) {
        double share;

        if (families[kind].class != CLASS_HEALTHY || table->seeds[kind] == 0)
            continue;
        share = figures_of(table, 0, (enum family_kind)kind).back;
        runs += (double)table->seeds[kind];
        back += share * (double)table->seeds[kind];
        if (share > worst) {
            worst = share;
            where = (enum family_kind)kind;
        }
    }
    add_goal(goals, runs > 0, runs > 0 ? 100 * back / runs : 0, 0.5, false, "healthy sent back, pooled (%%)");
    add_goal(goals, runs > 0, 100 * worst, 1, false, "healthy sent back, worst family: %s (%%)",
             worst > 0 ? families[where].name : "none");
}

static void goals_common(const struct table *table, struct goals *goals)
{
    static const enum family_kind kinds[] = {FAMILY_COMMON60, FAMILY_COMMON_LONG};
    struct figures f;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool known = table->seeds[kinds[i]] > 0;

        f = known ? figures_of(table, 0, kinds[i]) : (struct figures){0};
        add_goal(goals, known, f.back * (double)table->seeds[kinds[i]], 0, false, "%s sent back (runs)",
                 families[kinds[i]].name);
    }
    bool known = table->seeds[FAMILY_CAP_SCALEOUT] > 0;
    f = known ? figures_of(table, 0, FAMILY_CAP_SCALEOUT) : (struct figures){0};
    add_goal(goals, known, 100 * f.back, 2, false, "cap_scaleout sent back (%%)");
    add_goal(goals, known, f.time_s / 60, 60, false, "cap_scaleout to 100 %% (minutes)");
}

static void goals_bad(const struct table *table, struct goals *goals)
{
    double least = 1, sum = 0;
    size_t len = 0;
    enum family_kind where = FAMILY_ERR_X3;

    for (int kind = 0; kind < FAMILIES; kind++) {
        struct figures f, oracle;

        if (families[kind].class != CLASS_BAD || table->seeds[kind] == 0)
            continue;
        f = figures_of(table, 0, (enum family_kind)kind);
        oracle = figures_of(table, contestants_len - 1, (enum family_kind)kind);
        if (f.detected < least) {
            least = f.detected;
            where = (enum family_kind)kind;
        }
        sum += log(fmax(f.harm, 1) / fmax(oracle.harm, 1));
        len++;
    }
    add_goal(goals, len > 0, 100 * least, 97, true, "bad detected, worst family: %s (%%)",
             least < 1 ? families[where].name : "none");
    add_goal(goals, len > 0 && table->who >> (contestants_len - 1) & 1, exp(sum / (double)(len ? len : 1)), 5,
             false, "harm against the oracle's, geometric mean of %zu families", len);
    bool known = table->seeds[FAMILY_HARD50] > 0;
    struct figures f = known ? figures_of(table, 0, FAMILY_HARD50) : (struct figures){0};
    add_goal(goals, known, f.time_s, 20, false, "hard50 back (seconds)");
    add_goal(goals, known, f.harm, 5, false, "hard50 harm (requests)");
}

static void goals_speed(const struct table *table, struct goals *goals)
{
    double medians[FAMILIES];
    size_t len = 0;

    for (int kind = 0; kind < FAMILIES; kind++) {
        const struct family *family = &families[kind];

        if (family->class == CLASS_HEALTHY && !family->low && table->seeds[kind] > 0)
            medians[len++] = figures_of(table, 0, (enum family_kind)kind).time_s / 60;
    }
    bool known = table->seeds[FAMILY_HEALTHY] > 0;
    add_goal(goals, known, known ? figures_of(table, 0, FAMILY_HEALTHY).time_s / 60 : 0, 16, false,
             "time to 100 %%, healthy (minutes)");
    add_goal(goals, len > 0, median(medians, len), 16, false,
             "time to 100 %%, median of %zu healthy families with 20 requests a second or more (minutes)",
             len);
}

/* On the series of the real world, in runs. */
static void goals_real(const struct table *table, struct goals *goals)
{
    size_t healthy = table->seeds[FAMILY_REAL_HEALTHY], bad = table->seeds[FAMILY_REAL_BAD];
    size_t fast = table->seeds[FAMILY_REAL_FAST];
    double back = 0, missed = 0, harm = 0, held = 0;

    for (size_t i = 0; i < healthy; i++)
        back += table_at(table, 0, FAMILY_REAL_HEALTHY, i)->back;
    for (size_t i = 0; i < bad; i++) {
        missed += !table_at(table, 0, FAMILY_REAL_BAD, i)->detected;
        harm += table_at(table, 0, FAMILY_REAL_BAD, i)->harm;
    }
    for (size_t i = 0; i < fast; i++)
        held += table_at(table, 0, FAMILY_REAL_FAST, i)->stuck;
    add_goal(goals, healthy > 0, back, 0, false, "real, healthy, sent back of %zu", healthy);
    add_goal(goals, bad > 0, missed, 0, false, "real, faults, not found of %zu", bad);
    add_goal(goals, bad > 0, bad ? harm / (double)bad : 0, 20, false, "real, faults, mean harm (requests)");
    add_goal(goals, fast > 0, held, 3, true, "real, far too fast, held of %zu", fast);
}

size_t table_goals(const struct table *table, struct goal goals_r[static GOALS_MAX])
{
    struct goals goals = {goals_r, 0};

    goals_healthy(table, &goals);
    goals_common(table, &goals);
    goals_bad(table, &goals);
    goals_speed(table, &goals);
    goals_real(table, &goals);
    return goals.len;
}
