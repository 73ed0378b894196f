#include "cli/status.h"

#include "cli/remote.h"
#include "cli/screen.h"
#include "cli/state.h"
#include "cli/term.h"
#include "cli/view.h"

#include <string.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000,      /* between two looks of --watch */
    DECISIONS_SHOWN = 3, /* of each route */
    LINES_MAX = 4 << 20, /* bytes of a whole view */
};

static const struct args_option options[] = {
    {.name = "watch", .letter = 'w', .text = "a live view, until q or Ctrl-C; a line a second into a pipe"},
    SUBCOMMAND_OPTIONS_REMOTE,
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

struct watch {
    struct remote remote;
    const char *route; /* NULL: all */
    bool json, watch;
    struct term term;
    struct text lines;
};

/* ---- lines ---- */

static void add_warning(struct watch *watch, const char *what, const json_t *why)
{
    if (json_is_string(why))
        text_printf(&watch->lines, "%s%s: %s%s\n", term_on(&watch->term, TERM_BAD), what,
                    json_string_value(why), term_off(&watch->term, TERM_BAD));
}

static void add_head(struct watch *watch, const json_t *status)
{
    const char *version = json_string_value(json_object_get(status, "version"));
    const json_t *state = json_object_get(status, "state");

    text_printf(&watch->lines, "%spenstock%s %s at %s\n", term_on(&watch->term, TERM_STRONG),
                term_off(&watch->term, TERM_STRONG), version ? version : "", watch->remote.address);
    add_warning(watch, "not ready", json_object_get(status, "notReady"));
    add_warning(watch, "state", json_object_get(state, "problem"));
    text_printf(&watch->lines, "\n");
}

/* The last decisions on a route, of those that the status has. */
static void add_decisions(struct watch *watch, const json_t *status, const char *route)
{
    const json_t *list = json_object_get(status, "decisions"), *shown[DECISIONS_SHOWN];
    size_t len = 0;

    for (size_t i = json_array_size(list); i-- > 0 && len < DECISIONS_SHOWN;) {
        const json_t *record = json_array_get(list, i);
        const char *of = json_string_value(json_object_get(record, "route"));

        if (of && strcmp(of, route) == 0)
            shown[len++] = record;
    }
    while (len > 0) {
        text_printf(&watch->lines, "  ");
        view_decision(&watch->lines, &watch->term, shown[--len]);
    }
}

static void add_route(struct watch *watch, const json_t *status, const json_t *json)
{
    struct state_route route;

    state_route_read(&route, json);
    if (watch->route && strcmp(route.name, watch->route) != 0)
        return;
    if (watch->watch && !watch->term.live) {
        view_route_line(&watch->lines, &route);
        return;
    }
    view_route(&watch->lines, &watch->term, &route);
    add_decisions(watch, status, route.name);
    text_add(&watch->lines, "\n", 1);
}

static void add_routes(struct watch *watch, const json_t *status)
{
    const json_t *route;
    size_t i;

    if (watch->term.live || !watch->watch)
        add_head(watch, status);
    json_array_foreach(json_object_get(status, "routes"), i, route) add_route(watch, status, route);
}

/* ---- one look ---- */

static void print_json(const struct watch *watch, const json_t *shown)
{
    if (!watch->watch) {
        subcommand_print_json(shown);
        return;
    }
    json_dumpf(shown, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    printf("\n");
}

/* Makes the lines, or prints the JSON. False with the reason. */
static bool look(struct watch *watch, char why[static REMOTE_WHY_MAX])
{
    json_t *status = remote_try(&watch->remote, "GET", NULL, "/v1/status", why);
    const json_t *shown = watch->route ? state_find_route(status, watch->route) : status;

    watch->lines.len = 0;
    if (status && !shown)
        snprintf(why, REMOTE_WHY_MAX, "penstock at %s has no route %s; `penstock status` lists them",
                 watch->remote.address, watch->route);
    if (shown && watch->json)
        print_json(watch, shown);
    else if (shown)
        add_routes(watch, status);
    json_decref(status);
    return shown != NULL;
}

static bool show_once(struct watch *watch)
{
    char why[REMOTE_WHY_MAX];

    if (!look(watch, why)) {
        term_error("%s", why);
        return false;
    }
    if (watch->lines.len > 0) /* with --json it was printed at once */
        fwrite(watch->lines.p, 1, watch->lines.len, stdout);
    return true;
}

/* ---- live ---- */

/* A line each look, for pipes and logs; ends with the server. */
static bool watch_lines(struct watch *watch, struct screen *screen)
{
    char key;

    do {
        if (!show_once(watch))
            return false;
    } while (fflush(stdout) == 0 && screen_wait(screen, LOOK_MS, &key) != SCREEN_END);
    return true;
}

/* Goes on when the server is away for a while, and says so. */
static bool watch_screen(struct watch *watch, struct screen *screen)
{
    enum screen_event event = SCREEN_TIMEOUT;
    char why[REMOTE_WHY_MAX], key = 0;

    if (!look(watch, why)) {
        term_error("%s", why);
        return false;
    }
    screen_enter(screen, STDOUT_FILENO);
    while (event != SCREEN_END && !(event == SCREEN_KEY && key == 'q')) {
        screen_draw(screen, (struct str){watch->lines.p, watch->lines.len});
        event = screen_wait(screen, LOOK_MS, &key);
        term_look(&watch->term, STDOUT_FILENO);
        if (event != SCREEN_KEY && event != SCREEN_END && !look(watch, why))
            text_printf(&watch->lines, "%s\n", why);
    }
    screen_leave(screen);
    return true;
}

static bool watch_on(struct watch *watch)
{
    struct screen *screen = screen_new();
    bool ok = watch->term.live && !watch->json ? watch_screen(watch, screen) : watch_lines(watch, screen);

    screen_free(screen);
    return ok;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct watch watch = {.route = args->operands_len ? args->operands[0] : NULL,
                          .json = args_has(args, "json"),
                          .watch = args_has(args, "watch")};
    bool ok;

    (void)verb;
    if (!remote_open(&watch.remote, args))
        return SUBCOMMAND_FAILED;
    term_look(&watch.term, STDOUT_FILENO);
    text_init(&watch.lines, LINES_MAX);
    ok = watch.watch ? watch_on(&watch) : show_once(&watch);
    text_fini(&watch.lines);
    remote_close(&watch.remote);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_status = {
    .name = "status",
    .summary = "show routes, weights, shares and rollouts",
    .operands = "[ROUTE]",
    .operands_max = 1,
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
