#include "cli/view.h"

#include "cli/figure.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    BAR_LEAST = 10,
    BAR_MOST = 100,
    LABEL_WIDTH = 12,
    EVIDENCE_BAR = 24,
    GUARD_COLUMNS = 110, /* of a live view, for a guard's threshold behind its counts */
    MARGIN = 2,
    WRAP_LEAST = 30,
    STEP_WORDS_MAX = 3 * FIGURE_LEN + 32,
};

#define EVIDENCE_LOW 0.01 /* the left end of the evidence bar; its right end is the threshold */

struct glyphs {
    const char *stable, *canary;         /* cells of the weight bar */
    const char *full, *empty;            /* cells of the evidence bar */
    const char *done, *now, *next, *bad; /* marks of steps */
    const char *link;
};

static const struct glyphs *glyphs(const struct term *term)
{
    static const struct glyphs unicode = {"░", "█", "█", "·", "✓", "●", "○", "✗", " ── "};
    static const struct glyphs ascii = {".", "#", "#", ".", "+", "*", "-", "x", " -- "};

    return term->unicode ? &unicode : &ascii;
}

static void styled(struct text *out, const struct term *term, enum term_style style, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void styled(struct text *out, const struct term *term, enum term_style style, const char *fmt, ...)
{
    char piece[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(piece, sizeof piece, fmt, ap);
    va_end(ap);
    text_printf(out, "%s%s%s", term_on(term, style), piece, term_off(term, style));
}

static void label(struct text *out, const struct term *term, const char *name)
{
    text_printf(out, "%*s", MARGIN, "");
    styled(out, term, TERM_FAINT, "%-*s", LABEL_WIDTH, name);
}

/* Text that goes on in the next lines, below where it began; `column` is where that is. Only a live view is
 * narrow. */
static void wrapped(struct text *out, const struct term *term, size_t column, const char *text)
{
    size_t width = term->columns > column + WRAP_LEAST ? term->columns - column : WRAP_LEAST, used = 0;
    struct str rest = str_from(text), word;

    while (rest.len && str_split(&rest, ' ', &word)) {
        if (term->live && used > 0 && used + 1 + word.len > width) {
            text_printf(out, "\n%*s", (int)column, "");
            used = 0;
        }
        text_printf(out, "%s%.*s", used ? " " : "", STR_ARG(word));
        used += word.len + (used > 0);
    }
    text_printf(out, "\n");
}

static void repeat(struct text *out, const char *cell, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add(out, cell, strlen(cell));
}

enum term_style view_action_style(const char *action)
{
    if (strcmp(action, "forward") == 0 || strcmp(action, "promote") == 0)
        return TERM_GOOD;
    if (strcmp(action, "rollback") == 0 || strcmp(action, "retreat") == 0)
        return TERM_BAD;
    return strcmp(action, "hold") == 0 ? TERM_WARN : TERM_PLAIN;
}

static enum term_style state_style(const char *state)
{
    if (strcmp(state, "promoted") == 0 || strcmp(state, "watching") == 0)
        return TERM_GOOD;
    if (strcmp(state, "rolledBack") == 0 || strcmp(state, "rollingBack") == 0 ||
        strcmp(state, "quarantined") == 0)
        return TERM_BAD;
    if (strcmp(state, "running") == 0)
        return TERM_STRONG;
    return TERM_WARN;
}

/* ---- weight and groups ---- */

static size_t bar_width(const struct term *term)
{
    size_t used = MARGIN + LABEL_WIDTH + MARGIN;

    if (term->columns < used + BAR_LEAST)
        return BAR_LEAST;
    return term->columns - used < BAR_MOST ? term->columns - used : BAR_MOST;
}

/* The canary grows from the right. A weight that is not 0 shows, and one that is not 100 leaves something. */
static void weight_bar(struct text *out, const struct term *term, double weight)
{
    size_t width = bar_width(term), canary = (size_t)lround(weight / 100 * (double)width);

    if (canary == 0 && weight > 0)
        canary = 1;
    if (canary == width && weight < 100)
        canary = width - 1;
    label(out, term, "");
    text_printf(out, "%s", term_on(term, TERM_STABLE));
    repeat(out, glyphs(term)->stable, width - canary);
    text_printf(out, "%s%s", term_off(term, TERM_STABLE), term_on(term, TERM_CANARY));
    repeat(out, glyphs(term)->canary, canary);
    text_printf(out, "%s\n", term_off(term, TERM_CANARY));
}

static void weight_line(struct text *out, const struct term *term, const struct state_route *route)
{
    double share = state_canary_share(route);
    char percent[FIGURE_LEN], got[FIGURE_LEN];

    label(out, term, "weight");
    if (!route->canary.exists) {
        text_printf(out, "no canary: every request goes to ");
        styled(out, term, TERM_STABLE, "%s\n", route->stable.group);
        return;
    }
    styled(out, term, TERM_STRONG, "%s", figure_percent(route->weight, percent));
    text_printf(out, " to ");
    styled(out, term, TERM_CANARY, "%s", route->canary.group);
    if (share >= 0)
        text_printf(out, "; it got %s of the last requests", figure_percent(share, got));
    if (route->locked)
        styled(out, term, TERM_WARN, "; locked");
    if (!route->in_force)
        styled(out, term, TERM_WARN, "; not yet in force on every worker");
    text_printf(out, "\n");
}

/* In columns, numbers have as many decimals as their neighbours. */
static const char *column_percent(double percent, int decimals, char out[static FIGURE_LEN])
{
    if (percent < 0)
        snprintf(out, FIGURE_LEN, "-");
    else
        snprintf(out, FIGURE_LEN, "%.*f %%", decimals, percent);
    return out;
}

static void side_line(struct text *out, const struct term *term, const struct state_route *route,
                      const struct state_side *side, const char *role, enum term_style style)
{
    double share = state_canary_share(route), errors = side->requests ? state_side_errors(side) : -1;
    char rate[FIGURE_LEN], part[FIGURE_LEN], bad[FIGURE_LEN], p50[FIGURE_LEN], p99[FIGURE_LEN];
    char waiting[FIGURE_LEN];

    if (share >= 0 && side == &route->stable)
        share = 100 - share;
    text_printf(out, "%*s", MARGIN, "");
    styled(out, term, style, "%-*.*s", LABEL_WIDTH, 32, side->group);
    text_printf(out, " %8s %7s ", column_percent(share, 1, part), figure_rate(state_side_rate(side), rate));
    styled(out, term, errors >= 1 ? TERM_BAD : TERM_PLAIN, "%8s", column_percent(errors, 2, bad));
    text_printf(out, " %8s %8s  %u of %u   ", figure_latency(side->p50_ms, p50),
                figure_latency(side->p99_ms, p99), side->open, side->targets);
    styled(out, term, TERM_FAINT, "%s", role);
    if (side->waiting)
        styled(out, term, TERM_WARN, ", %s wait for a place", figure_count(side->waiting, waiting));
    text_printf(out, "\n");
}

static void sides_table(struct text *out, const struct term *term, const struct state_route *route)
{
    label(out, term, "last 10 s");
    styled(out, term, TERM_FAINT, " %8s %7s %8s %8s %8s  %s\n", "share", "req/s", "errors", "p50", "p99",
           "targets");
    side_line(out, term, route, &route->stable, "stable", TERM_STABLE);
    if (route->canary.exists)
        side_line(out, term, route, &route->canary, "canary", TERM_CANARY);
}

static void mirror_line(struct text *out, const struct term *term, const struct state_mirror *mirror)
{
    char share[FIGURE_LEN], copies[FIGURE_LEN], different[FIGURE_LEN], skipped[FIGURE_LEN];

    label(out, term, "mirror");
    text_printf(out, "%s to %s: %s copies, ", figure_percent(mirror->share, share), mirror->group,
                figure_count(mirror->copies, copies));
    styled(out, term, mirror->different ? TERM_WARN : TERM_PLAIN, "%s answered differently",
           figure_count(mirror->different, different));
    text_printf(out, ", %s not copied\n", figure_count(mirror->skipped, skipped));
}

/* ---- evidence ---- */

/* Cells of `width` for evidence e: each cell multiplies by the same. */
static size_t evidence_cells(double e, double threshold, size_t width)
{
    double part = e > EVIDENCE_LOW ? log(e / EVIDENCE_LOW) / log(threshold / EVIDENCE_LOW) : 0;

    return part >= 1 ? width : (size_t)(part * (double)width);
}

static void evidence_bar(struct text *out, const struct term *term, double e, double threshold)
{
    size_t cells = evidence_cells(e, threshold, EVIDENCE_BAR);
    enum term_style style = e >= threshold ? TERM_BAD : e >= threshold / 10 ? TERM_WARN : TERM_GOOD;

    text_printf(out, "%s", term_on(term, style));
    repeat(out, glyphs(term)->full, cells);
    text_printf(out, "%s%s", term_off(term, style), term_on(term, TERM_FAINT));
    repeat(out, glyphs(term)->empty, EVIDENCE_BAR - cells);
    text_printf(out, "%s", term_off(term, TERM_FAINT));
}

static void count_text(struct text *out, const struct state_count *count)
{
    char bad[FIGURE_LEN], all[FIGURE_LEN];

    text_printf(out, "%s of %s", figure_count(count->bad, bad), figure_count(count->requests, all));
}

static void metric_line(struct text *out, const struct term *term, const struct state_metric *metric)
{
    char e[FIGURE_LEN], threshold[FIGURE_LEN];

    label(out, term, metric->name);
    evidence_bar(out, term, metric->e, metric->threshold);
    text_printf(out, " %7s   ", figure_evidence(metric->e, e));
    count_text(out, &metric->canary);
    text_printf(out, " bad, stable ");
    count_text(out, &metric->stable);
    if (metric->guard && (!term->live || term->columns >= GUARD_COLUMNS))
        styled(out, term, TERM_FAINT, ", holds at %s", figure_evidence(metric->threshold, threshold));
    text_printf(out, "\n");
}

/* "0.031 (max 0.02), bad, 1 failure of 2 allowed, asked 12s ago". */
static void external_line(struct text *out, const struct term *term, const struct state_metric *metric)
{
    bool good = strcmp(metric->external, "good") == 0, bad = strcmp(metric->external, "bad") == 0;
    char age[FIGURE_LEN];

    label(out, term, metric->name);
    if (isfinite(metric->value))
        text_printf(out, "%g", metric->value);
    else
        text_printf(out, "no value");
    text_printf(out, " (");
    if (isfinite(metric->min))
        text_printf(out, "min %g%s", metric->min, isfinite(metric->max) ? ", " : "");
    if (isfinite(metric->max))
        text_printf(out, "max %g", metric->max);
    text_printf(out, "), ");
    styled(out, term, good ? TERM_GOOD : bad ? TERM_BAD : TERM_WARN, "%s", metric->external);
    if (metric->problem[0])
        text_printf(out, ": %s", metric->problem);
    if (metric->failures)
        text_printf(out, ", %llu beyond", (unsigned long long)metric->failures);
    if (metric->failures && isfinite(metric->failure_limit))
        text_printf(out, " of %g allowed", metric->failure_limit);
    if (strcmp(metric->external, "unknown") != 0)
        styled(out, term, TERM_FAINT, ", asked %s ago", figure_span(metric->age_s, age));
    text_printf(out, "\n");
}

static void evidence_table(struct text *out, const struct term *term, const struct state_rollout *rollout)
{
    char e[FIGURE_LEN], threshold[FIGURE_LEN];

    label(out, term, "evidence");
    styled(out, term, TERM_FAINT, "against the canary: %s in all, back at %s\n",
           figure_evidence(rollout->e, e), figure_evidence(rollout->threshold, threshold));
    for (size_t i = 0; i < rollout->metrics_len; i++) {
        if (rollout->metrics[i].judged)
            metric_line(out, term, &rollout->metrics[i]);
        else if (rollout->metrics[i].external)
            external_line(out, term, &rollout->metrics[i]);
    }
}

/* ---- steps, and what is awaited ---- */

/* What is written of a step; gives its width. */
static size_t step_words(const struct state_step *step, char out[static STEP_WORDS_MAX])
{
    char percent[FIGURE_LEN], span[FIGURE_LEN];
    int len;

    if (step->weight >= 0)
        len = snprintf(out, STEP_WORDS_MAX, "%s", figure_percent(step->weight, percent));
    else if (step->by[0] && !step->pause && step->mirror < 0)
        len = snprintf(out, STEP_WORDS_MAX, "by %.32s", step->by);
    else
        len = snprintf(out, STEP_WORDS_MAX, "%s",
                       step->pause         ? "approval"
                       : step->mirror >= 0 ? "mirror"
                                           : "pause");
    if (step->mirror >= 0)
        len += snprintf(out + len, STEP_WORDS_MAX - (size_t)len, ", copies %s",
                        figure_percent(step->mirror, percent));
    if (step->bake_s > 0)
        len +=
            snprintf(out + len, STEP_WORDS_MAX - (size_t)len, ", bake %s", figure_span(step->bake_s, span));
    return (size_t)len;
}

static void step_text(struct text *out, const struct term *term, const struct state_rollout *rollout,
                      int index, const char *words)
{
    const struct glyphs *glyph = glyphs(term);

    if (index < rollout->step || strcmp(rollout->state, "promoted") == 0)
        styled(out, term, TERM_GOOD, "%s %s", glyph->done, words);
    else if (index > rollout->step)
        styled(out, term, TERM_FAINT, "%s %s", glyph->next, words);
    else if (state_style(rollout->state) == TERM_BAD)
        styled(out, term, TERM_BAD, "%s %s", glyph->bad, words);
    else
        styled(out, term, TERM_STRONG, "%s %s", glyph->now, words);
}

static void steps_line(struct text *out, const struct term *term, const struct state_rollout *rollout)
{
    enum { BEFORE = MARGIN + LABEL_WIDTH, MARK = 2, LINK = 4 };
    size_t used = BEFORE;

    label(out, term, "steps");
    for (int i = 0; i < (int)rollout->steps_len; i++) {
        char words[STEP_WORDS_MAX];
        size_t width = step_words(&rollout->steps[i], words) + MARK + LINK;

        if (i > 0)
            styled(out, term, TERM_FAINT, "%s", glyphs(term)->link);
        if (i > 0 && term->live && used + width > term->columns) {
            text_printf(out, "\n");
            label(out, term, "");
            used = BEFORE;
        }
        step_text(out, term, rollout, i, words);
        used += width;
    }
    text_printf(out, "\n");
}

static void waiting_line(struct text *out, const struct term *term, const struct state_rollout *rollout)
{
    bool hold = strcmp(rollout->action, "hold") == 0;
    char span[FIGURE_LEN];

    if (!*rollout->action)
        return;
    label(out, term, hold ? "waits for" : "last");
    styled(out, term, view_action_style(rollout->action), "%s", rollout->reason);
    if (hold && isinf(rollout->eta_s))
        styled(out, term, TERM_WARN, " (never at this rate)");
    else if (hold && rollout->eta_s >= 0)
        styled(out, term, TERM_STRONG, " (about %s)", figure_span((int64_t)ceil(rollout->eta_s), span));
    text_printf(out, "\n");
    label(out, term, "");
    wrapped(out, term, MARGIN + LABEL_WIDTH, rollout->text);
}

void view_rollout(struct text *out, const struct term *term, const struct state_rollout *rollout)
{
    char age[FIGURE_LEN], dwell[FIGURE_LEN];

    label(out, term, "rollout");
    if (!rollout->exists) {
        text_printf(out, "none; `penstock rollout start ROUTE PLAN` begins one\n");
        return;
    }
    text_printf(out, "%s ", rollout->plan);
    styled(out, term, state_style(rollout->state), "%s", rollout->state);
    text_printf(out, " for %s", figure_span(rollout->age_s, age));
    if (rollout->step >= 0)
        text_printf(out, "; step %d of %zu for %s", rollout->step + 1, rollout->steps_len,
                    figure_span(rollout->dwell_s, dwell));
    text_printf(out, "\n");
    if (rollout->steps_len)
        steps_line(out, term, rollout);
    waiting_line(out, term, rollout);
}

/* ---- whole routes ---- */

void view_route(struct text *out, const struct term *term, const struct state_route *route)
{
    styled(out, term, TERM_STRONG, "%s\n", route->name);
    weight_line(out, term, route);
    if (route->canary.exists)
        weight_bar(out, term, route->weight);
    sides_table(out, term, route);
    if (route->mirror.exists)
        mirror_line(out, term, &route->mirror);
    if (*route->problem) {
        label(out, term, "problem");
        styled(out, term, TERM_BAD, "%s\n", route->problem);
    }
    if (!route->canary.exists)
        return;
    if (route->rollout.exists)
        evidence_table(out, term, &route->rollout);
    view_rollout(out, term, &route->rollout);
}

static void side_words(struct text *out, const struct state_side *side)
{
    char rate[FIGURE_LEN], errors[FIGURE_LEN], p99[FIGURE_LEN];

    text_printf(out, "  %s %s/s", side->group, figure_rate(state_side_rate(side), rate));
    if (side->requests)
        text_printf(out, " errors %s p99 %s", figure_percent(state_side_errors(side), errors),
                    figure_latency(side->p99_ms, p99));
}

void view_route_line(struct text *out, const struct state_route *route)
{
    const struct state_rollout *rollout = &route->rollout;
    char percent[FIGURE_LEN], e[FIGURE_LEN], threshold[FIGURE_LEN];

    text_printf(out, "%s", route->name);
    if (route->canary.exists)
        text_printf(out, "  weight %s", figure_percent(route->weight, percent));
    side_words(out, &route->stable);
    if (route->canary.exists)
        side_words(out, &route->canary);
    if (rollout->exists)
        text_printf(out, "  %s, evidence %s of %s", rollout->state, figure_evidence(rollout->e, e),
                    figure_evidence(rollout->threshold, threshold));
    if (rollout->exists && strcmp(rollout->action, "hold") == 0)
        text_printf(out, ", waits for %s", rollout->reason);
    text_printf(out, "\n");
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

void view_decision(struct text *out, const struct term *term, const json_t *record)
{
    enum { INDENT = 12 };
    const json_t *weight = json_object_get(record, "weight");
    double from = json_number_value(json_object_get(weight, "from"));
    double to = json_number_value(json_object_get(weight, "to"));
    const char *action = member(record, "action");
    char clock[FIGURE_LEN], a[FIGURE_LEN], b[FIGURE_LEN];

    styled(out, term, TERM_FAINT, "%s  ", figure_clock(member(record, "time"), clock));
    styled(out, term, view_action_style(action), "%s", action);
    if (from < to || from > to)
        text_printf(out, " %s %s %s", figure_percent(from, a), term->unicode ? "→" : "->",
                    figure_percent(to, b));
    text_printf(out, " (%s)", member(record, "reason"));
    if (term->live)
        text_printf(out, "\n%*s", INDENT, "");
    else
        text_printf(out, ": ");
    wrapped(out, term, INDENT, member(record, "text"));
}
