#include "cli/demo_view.h"

#include "cli/figure.h"
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

/* ---- the head: where everything is ---- */

static void clients_line(struct text *out, const struct demo_show *show)
{
    char users[FIGURE_LEN], good[FIGURE_LEN], failed[FIGURE_LEN], broken[FIGURE_LEN];

    text_printf(out, "%.0f requests a second of %s users: %s answered, %s failed", show->rate,
                figure_count(show->users, users), figure_count(show->counts.good, good),
                figure_count(show->counts.failed, failed));
    if (show->counts.broken)
        text_printf(out, ", %s without answer", figure_count(show->counts.broken, broken));
    if (show->counts.late)
        text_printf(out, ", %" PRIu64 " not sent: every connection was busy", show->counts.late);
    text_printf(out, "\n");
}

static void title_line(struct text *out, const struct term *term, const struct demo_show *show)
{
    const struct demo_fault_row *fault = &demo_faults[show->fault];

    text_printf(out, "%spenstock demo%s, %s%s%s: %s\n", term_on(term, TERM_STRONG),
                term_off(term, TERM_STRONG), term_on(term, TERM_WARN), fault->name, term_off(term, TERM_WARN),
                fault->text);
}

static void place_lines(struct text *out, const struct term *term, const struct demo_show *show)
{
    const char *on = term_on(term, TERM_FAINT), *off = term_off(term, TERM_FAINT);

    text_printf(out, "  %sproxy%s       curl http://%s/\n", on, off, show->address);
    text_printf(out, "  %sadmin%s       penstock status --admin %s\n", on, off, show->admin);
    text_printf(out, "  %spage%s        http://%s/\n", on, off, show->admin);
    if (show->access_log)
        text_printf(out, "  %slog%s         %s\n", on, off, show->access_log);
}

void demo_view_start(struct text *out, const struct term *term, const struct demo_show *show)
{
    title_line(out, term, show);
    place_lines(out, term, show);
    text_printf(out, "\n");
}

/* ---- the live view ---- */

static size_t count_lines(const struct text *text)
{
    size_t count = 0;

    for (size_t i = 0; i < text->len; i++)
        count += text->p[i] == '\n';
    return count;
}

static void keys_line(struct text *out, const struct term *term)
{
    text_printf(out,
                "%skeys: q end, r again, p pause; canary: n well, e errors, s slow, c capacity, o outage%s\n",
                term_on(term, TERM_FAINT), term_off(term, TERM_FAINT));
}

/* The newest decisions, as many as fit into `rows` lines, and one at least. */
static void decision_lines(struct text *out, const struct term *term, const json_t *decisions, size_t rows)
{
    size_t len = json_array_size(decisions), first = len, used = 0;
    struct text one;

    while (first > 0) {
        text_init(&one, out->max);
        view_decision(&one, term, json_array_get(decisions, first - 1));
        used += count_lines(&one);
        text_fini(&one);
        if (used > rows && first < len)
            break;
        first--;
    }
    for (; first < len; first++) {
        text_printf(out, "  ");
        view_decision(out, term, json_array_get(decisions, first));
    }
}

static const char *notice(const struct demo_show *show)
{
    if (*show->notice || show->route->rollout.exists)
        return show->notice;
    return "The clients ask, and all is well. The rollout begins in a moment.";
}

void demo_view_frame(struct text *out, const struct term *term, const struct demo_show *show)
{
    enum { BELOW = 3 }; /* an empty line, the notice, the keys */
    size_t used;

    title_line(out, term, show);
    place_lines(out, term, show);
    text_printf(out, "  %sclients%s     ", term_on(term, TERM_FAINT), term_off(term, TERM_FAINT));
    clients_line(out, show);
    text_printf(out, "\n");
    view_route(out, term, show->route);
    text_printf(out, "\n  %sdecisions%s\n", term_on(term, TERM_FAINT), term_off(term, TERM_FAINT));
    used = count_lines(out) + BELOW;
    decision_lines(out, term, show->decisions, term->rows > used ? term->rows - used : 1);
    text_printf(out, "\n%s%s%s\n", term_on(term, TERM_STRONG), notice(show), term_off(term, TERM_STRONG));
    keys_line(out, term);
}

void demo_view_line(struct text *out, const struct demo_show *show)
{
    text_printf(out, "%4" PRId64 " s  ", show->elapsed_s);
    view_route_line(out, show->route);
}

/* ---- the end ---- */

static const char *end_text(const char *state)
{
    if (strcmp(state, "promoted") == 0)
        return "Promoted: the canary takes every request.";
    if (strcmp(state, "rolledBack") == 0)
        return "Rolled back: every request goes to stable again.";
    if (strcmp(state, "held") == 0)
        return "Held: the canary keeps what it can bear.";
    return "The rollout was still under way.";
}

/* The last decision that moved the weight, or ended the rollout. */
static const json_t *last_move(const json_t *decisions)
{
    for (size_t i = json_array_size(decisions); i-- > 0;) {
        const json_t *record = json_array_get(decisions, i);
        const char *action = json_string_value(json_object_get(record, "action"));

        if (action && strcmp(action, "hold") != 0)
            return record;
    }
    return NULL;
}

void demo_view_end(struct text *out, const struct term *term, const struct demo_show *show)
{
    const char *state = show->route->rollout.state;
    bool ended = demo_is_end(state), well = demo_fault_ends_well(show->fault, state);
    enum term_style style = !ended ? TERM_WARN : well ? TERM_GOOD : TERM_BAD;
    const json_t *move = last_move(show->decisions);
    char span[FIGURE_LEN];

    text_printf(out, "%s%s%s After %s", term_on(term, style), end_text(state), term_off(term, style),
                figure_span(show->elapsed_s, span));
    if (ended)
        text_printf(out,
                    well ? ", as it should with the fault \"%s\""
                         : ", which is not how the fault \"%s\" should end",
                    demo_faults[show->fault].name);
    text_printf(out, ".\n");
    if (ended && move) {
        text_printf(out, "  ");
        view_decision(out, term, move);
    }
    text_printf(out, "  The clients: ");
    clients_line(out, show);
}
