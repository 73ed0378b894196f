#include "cli/decisions.h"

#include "cli/figure.h"
#include "cli/remote.h"
#include "cli/term.h"
#include "cli/view.h"
#include "control/client.h"

#include <stdlib.h>
#include <string.h>

static const struct args_option options[] = {
    {.name = "limit", .letter = 'n', .value = "N", .text = "the last N (default: 20)"},
    {.name = "follow", .letter = 'f', .text = "go on with each new one until interrupted"},
    SUBCOMMAND_OPTIONS_REMOTE,
    {.name = "json", .text = "print one JSON object a line"},
    SUBCOMMAND_OPTION_HELP,
};

enum {
    LIMIT_USUAL = 20,
    LIMIT_MAX = 1000,
};

struct printer {
    const char *route; /* NULL: every route */
    bool json;
    struct term term;
};

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* Traces of requests that failed, a line each. */
static void print_examples(const json_t *decision)
{
    const json_t *example;
    size_t i;

    json_array_foreach(json_object_get(decision, "examples"), i, example)
    {
        const json_t *status = json_object_get(example, "status");
        const char *target = member(example, "target");

        printf("    trace %s  %s", member(example, "traceId"), member(example, "reason"));
        if (json_is_integer(status))
            printf(" %" JSON_INTEGER_FORMAT, json_integer_value(status));
        printf("%s%s%s\n", target[0] ? "  " : "", target,
               json_is_true(json_object_get(example, "sampled")) ? "" : "  (not sampled)");
    }
}

static void print_text(const struct printer *printer, const json_t *decision)
{
    const json_t *weight = json_object_get(decision, "weight");
    double from = json_number_value(json_object_get(weight, "from"));
    double to = json_number_value(json_object_get(weight, "to"));
    const char *action = member(decision, "action");
    enum term_style style = view_action_style(action);
    char before[FIGURE_LEN], after[FIGURE_LEN];

    printf("%s  %s  %s%s%s (%s)", member(decision, "time"), member(decision, "route"),
           term_on(&printer->term, style), action, term_off(&printer->term, style),
           member(decision, "reason"));
    if (from < to || from > to)
        printf("  %s to %s\n", figure_percent(from, before), figure_percent(to, after));
    else
        printf("  at %s\n", figure_percent(to, after));
    printf("    %s\n", member(decision, "text"));
    print_examples(decision);
}

static void print_decision(struct printer *printer, const json_t *decision)
{
    if (printer->route && strcmp(member(decision, "route"), printer->route) != 0)
        return;
    if (printer->json) {
        json_dumpf(decision, stdout, JSON_COMPACT);
        printf("\n");
    } else {
        print_text(printer, decision);
    }
}

static bool print_stored(struct printer *printer, struct remote *remote, unsigned long limit)
{
    char *route = client_segment(printer->route ? printer->route : "");
    json_t *answer = remote_call(remote, "GET", NULL, "/v1/decisions?limit=%lu%s%s", limit,
                                 printer->route ? "&route=" : "", route);
    const json_t *decision;
    size_t i;

    json_array_foreach(json_object_get(answer, "decisions"), i, decision) print_decision(printer, decision);
    free(route);
    json_decref(answer);
    return answer != NULL;
}

static bool on_event(void *arg, const char *name, const json_t *data)
{
    if (strcmp(name, "decision") == 0) {
        print_decision(arg, data);
        fflush(stdout);
    }
    return !ferror(stdout);
}

static bool follow(struct printer *printer, struct remote *remote)
{
    char why[CLIENT_WHY_MAX];

    fflush(stdout);
    if (client_stream(remote->client, "/v1/stream?events=decision", on_event, printer, why))
        return true;
    term_error("%s", why);
    return false;
}

static bool parse_limit(const char *text, unsigned long *limit_r)
{
    uint64_t limit;

    if (!str_to_u64(str_from(text), &limit) || limit == 0 || limit > LIMIT_MAX)
        return false;
    *limit_r = (unsigned long)limit;
    return true;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct printer printer = {.route = args->operands_len ? args->operands[0] : NULL,
                              .json = args_has(args, "json")};
    const char *limit_text = args_value(args, "limit");
    unsigned long limit = LIMIT_USUAL;
    struct remote remote;
    bool ok;

    (void)verb;
    if (limit_text && !parse_limit(limit_text, &limit))
        return subcommand_misused(&subcommand_decisions, "--limit %s is no number from 1 to %d", limit_text,
                                  LIMIT_MAX);
    term_look(&printer.term, fileno(stdout));
    if (!remote_open(&remote, args))
        return SUBCOMMAND_FAILED;
    ok = print_stored(&printer, &remote, limit) && (!args_has(args, "follow") || follow(&printer, &remote));
    remote_close(&remote);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_decisions = {
    .name = "decisions",
    .summary = "list what was decided, and why",
    .operands = "[ROUTE]",
    .operands_max = 1,
    .text = "Oldest first. Each names the value, the limit and the counts that it rests on.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
