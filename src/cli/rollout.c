#include "cli/rollout.h"

#include "base/mem.h"
#include "cli/remote.h"
#include "cli/state.h"
#include "cli/term.h"
#include "cli/view.h"
#include "conf/planfile.h"
#include "conf/report.h"
#include "control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLAN_FILE_MAX = 1 << 20 };

static const struct args_option options[] = {
    {.name = "full", .text = "promote: go to 100 % at once, without evidence"},
    {.name = "force", .text = "update: change also what has begun already"},
    {.name = "reason", .letter = 'm', .value = "TEXT", .text = "why, for the record of decisions"},
    SUBCOMMAND_OPTIONS_REMOTE,
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

static const struct subcommand_verb verbs[] = {
    {"start", "ROUTE PLAN", "begin a rollout by the plan in a file; - is standard input", 2},
    {"update", "ROUTE PLAN", "give it another plan, with other steps behind the present one", 2},
    {"status", "ROUTE", "show where it is and what it waits for", 1},
    {"pause", "ROUTE", "stop moving forward; the ways back stay open", 1},
    {"resume", "ROUTE", "go on after a pause, a hold or a weight set by hand", 1},
    {"approve", "ROUTE", "give the approval that the step waits for", 1},
    {"skip", "ROUTE", "go to the next step without waiting", 1},
    {"promote", "ROUTE", "wait for nothing but evidence from here on", 1},
    {"abort", "ROUTE", "go back to 0 % now", 1},
    {"retry", "ROUTE", "start again after a rollback, or go on from a hold", 1},
};

/* ---- a plan ---- */

static bool read_all(FILE *file, struct text *text)
{
    char block[16 * 1024];
    size_t n;

    text_add(text, "", 0);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        text_add(text, block, n);
    return !ferror(file) && !text->full;
}

/* The plan as it is written, checked here first: a person gets every error with its place before anything is
 * asked of the server. */
static bool read_plan(const char *path, struct text *text)
{
    bool standard_input = strcmp(path, "-") == 0, ok;
    FILE *file = standard_input ? stdin : fopen(path, "re");
    struct conf_report report;
    struct plan *plan;

    if (!file) {
        term_error("%s: cannot read the plan: %s", path, strerror(errno));
        return false;
    }
    ok = read_all(file, text);
    if (!standard_input)
        fclose(file);
    if (!ok) {
        term_error("%s: cannot read the plan: %s", path,
                   text->full ? "it is larger than a plan can be (1 MiB)" : strerror(errno));
        return false;
    }
    plan = mem_alloc(sizeof *plan);
    conf_report_init(&report);
    ok = plan_load_bytes(path, (struct str){text->p, text->len}, false, NULL, plan, &report);
    conf_report_print(&report, stderr);
    conf_report_fini(&report);
    free(plan);
    return ok;
}

/* Begins a rollout (POST), or gives it another plan (PUT). */
static json_t *send_plan(struct remote *remote, const char *method, const char *segment, bool force,
                         const char *path)
{
    struct text plan;
    json_t *answer = NULL;
    char *url, why[REMOTE_WHY_MAX];

    text_init(&plan, PLAN_FILE_MAX);
    if (read_plan(path, &plan)) {
        url = mem_printf("/v1/routes/%s/rollout%s", segment, force ? "?force=true" : "");
        answer = remote_send(remote, method, "application/yaml", (struct str){plan.p, plan.len}, url, why);
        if (!answer)
            term_error("%s", why);
        free(url);
    }
    text_fini(&plan);
    return answer;
}

/* ---- orders ---- */

static json_t *order(struct remote *remote, const struct args *args, const char *segment, const char *verb)
{
    json_t *body = json_object();
    const char *reason = args_value(args, "reason");

    if (args_has(args, "full"))
        json_object_set_new(body, "full", json_true());
    if (reason)
        json_object_set_new(body, "reason", json_string(reason));
    return remote_call(remote, "POST", body, "/v1/routes/%s/rollout/%s", segment, verb);
}

static json_t *ask(struct remote *remote, const struct args *args, const struct subcommand_verb *verb)
{
    char *segment = client_segment(args->operands[0]);
    json_t *answer;

    if (strcmp(verb->name, "start") == 0)
        answer = send_plan(remote, "POST", segment, false, args->operands[1]);
    else if (strcmp(verb->name, "update") == 0)
        answer = send_plan(remote, "PUT", segment, args_has(args, "force"), args->operands[1]);
    else if (strcmp(verb->name, "status") == 0)
        answer = remote_call(remote, "GET", NULL, "/v1/routes/%s/rollout", segment);
    else
        answer = order(remote, args, segment, verb->name);
    free(segment);
    return answer;
}

/* Of an update: what the new plan says otherwise. */
static void add_changes(struct text *lines, const json_t *changes)
{
    const json_t *change;
    size_t i;

    if (changes && json_array_size(changes) == 0)
        text_printf(lines, "the plan says nothing else than before\n");
    json_array_foreach(changes, i, change)
    {
        const char *from = json_string_value(json_object_get(change, "from"));
        const char *to = json_string_value(json_object_get(change, "to"));

        text_printf(lines, "  %s: %s -> %s\n", json_string_value(json_object_get(change, "path")),
                    from ? from : "none", to ? to : "none");
    }
}

static void print_text(const json_t *answer, const char *route)
{
    struct state_rollout rollout;
    struct text lines;
    struct term term;

    state_rollout_read(&rollout, answer);
    term_look(&term, STDOUT_FILENO);
    text_init(&lines, 1 << 20);
    text_printf(&lines, "%s\n", route);
    view_rollout(&lines, &term, &rollout);
    add_changes(&lines, json_object_get(answer, "changes"));
    fwrite(lines.p, 1, lines.len, stdout);
    text_fini(&lines);
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct remote remote;
    json_t *answer;

    if (args_has(args, "full") && strcmp(verb->name, "promote") != 0)
        return subcommand_misused(&subcommand_rollout, "--full goes with promote only");
    if (args_has(args, "force") && strcmp(verb->name, "update") != 0)
        return subcommand_misused(&subcommand_rollout, "--force goes with update only");
    if (!remote_open(&remote, args))
        return SUBCOMMAND_FAILED;
    answer = ask(&remote, args, verb);
    if (answer && args_has(args, "json"))
        subcommand_print_json(answer);
    else if (answer)
        print_text(answer, args->operands[0]);
    remote_close(&remote);
    json_decref(answer);
    return answer ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_rollout = {
    .name = "rollout",
    .summary = "start and drive a rollout",
    .operands = "",
    .text =
        "A rollout follows a plan (penstock-plan(5)) and moves by itself: forward when the counts show that\n"
        "the next step is safe, back when the canary is worse. These are the words of a person.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .verbs = verbs,
    .verbs_len = ARRAY_LEN(verbs),
    .run = run,
};
