/*
 * Routes, rollouts and decisions as lines for a terminal. Pure: what to show, how wide and in which style
 * comes in; lines that end in LF come out.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "base/str.h"
#include "cli/state.h"
#include "cli/term.h"

/* A route whole: bar, groups, evidence, steps, what it waits for. */
void view_route(struct text *out, const struct term *term, const struct state_route *route);
/* A route in one line, for logs and pipes. */
void view_route_line(struct text *out, const struct state_route *route);
/* A rollout in words: state, step, what it waits for. */
void view_rollout(struct text *out, const struct term *term, const struct state_rollout *rollout);
/* A decision record: in one line, or on a live terminal in as many as its text needs, indented. */
void view_decision(struct text *out, const struct term *term, const json_t *record);

/* How an action (the word of a decision record) looks. */
enum term_style view_action_style(const char *action);

#endif
