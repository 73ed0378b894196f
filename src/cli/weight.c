#include "cli/weight.h"

#include "cli/figure.h"
#include "cli/remote.h"
#include "cli/term.h"
#include "control/client.h"

#include <stdlib.h>
#include <string.h>

static const struct args_option options[] = {
    {.name = "lock", .text = "no automatic move forward until --unlock; automatic ways back stay"},
    {.name = "no-rollback", .text = "with --lock: no automatic way back either"},
    {.name = "unlock", .text = "end a lock"},
    {.name = "reason", .letter = 'm', .value = "TEXT", .text = "why, for the record of decisions"},
    SUBCOMMAND_OPTIONS_REMOTE,
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

/* A number as JSON and the API write it; the range is the server's business. */
static bool parse_percent(const char *text, double *percent_r)
{
    size_t digits = strspn(text, "0123456789.");
    char *end;

    if (digits == 0 || digits != strlen(text))
        return false;
    *percent_r = strtod(text, &end);
    return *end == '\0';
}

static json_t *wish(const struct args *args, double percent, bool given)
{
    const char *reason = args_value(args, "reason");
    json_t *body = json_object();

    if (given)
        json_object_set_new(body, "canary", json_real(percent));
    if (args_has(args, "lock"))
        json_object_set_new(body, "lock", json_true());
    if (args_has(args, "no-rollback"))
        json_object_set_new(body, "noRollback", json_true());
    if (args_has(args, "unlock"))
        json_object_set_new(body, "lock", json_false());
    if (reason)
        json_object_set_new(body, "reason", json_string(reason));
    return body;
}

static void print_answer(const json_t *answer, const char *route, bool changed)
{
    char percent[FIGURE_LEN];
    bool in_force = json_is_true(json_object_get(answer, "inForce"));

    printf("%s: %s to the canary", route,
           figure_percent(json_number_value(json_object_get(answer, "canary")), percent));
    if (changed)
        printf(in_force ? ", in force on every worker" : "; not yet in force on every worker");
    if (json_is_true(json_object_get(answer, "lock")))
        printf(json_is_true(json_object_get(answer, "noRollback")) ? ", locked, the ways back too"
                                                                   : ", locked");
    printf("\n");
}

/* What is wrong with the options, or NULL. */
static const char *contradiction(const struct args *args)
{
    if (args_has(args, "lock") && args_has(args, "unlock"))
        return "--lock and --unlock exclude one another";
    if (args_has(args, "no-rollback") && !args_has(args, "lock"))
        return "--no-rollback says how far a lock goes; give --lock too";
    return NULL;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *route = args->operands[0], *wrong = contradiction(args);
    bool given = args->operands_len == 2,
         change = given || args_has(args, "lock") || args_has(args, "unlock");
    double percent = 0;
    struct remote remote;
    char *segment;
    json_t *answer;

    (void)verb;
    if (wrong)
        return subcommand_misused(&subcommand_weight, "%s", wrong);
    if (given && !parse_percent(args->operands[1], &percent))
        return subcommand_misused(&subcommand_weight, "%s is no percentage; write 12.5, for example",
                                  args->operands[1]);
    if (!remote_open(&remote, args))
        return SUBCOMMAND_FAILED;
    segment = client_segment(route);
    answer = remote_call(&remote, change ? "PUT" : "GET", change ? wish(args, percent, given) : NULL,
                         "/v1/routes/%s/weight", segment);
    if (answer && args_has(args, "json"))
        subcommand_print_json(answer);
    else if (answer)
        print_answer(answer, route, change);
    free(segment);
    remote_close(&remote);
    json_decref(answer);
    return answer ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_weight = {
    .name = "weight",
    .summary = "show or set by hand how much of a route goes to the canary",
    .operands = "ROUTE [PERCENT]",
    .operands_min = 1,
    .operands_max = 2,
    .text =
        "PERCENT is 0 to 100 in steps of 0.01. 0 means no request at all, 100 every one. A weight that is\n"
        "set by hand stops the automatic ramp of a running rollout until `penstock rollout resume`.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
