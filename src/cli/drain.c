#include "cli/drain.h"

#include "base/clk.h"
#include "base/unit.h"
#include "cli/figure.h"
#include "cli/remote.h"
#include "cli/term.h"
#include "control/client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct args_option options[] = {
    {.name = "wait", .letter = 'w', .text = "wait until no request is left at the target"},
    {.name = "timeout", .value = "TIME", .text = "with --wait: give up after so long (default: 2m)"},
    {.name = "undo", .text = "take new work to it again"},
    {.name = "reason", .letter = 'm', .value = "TEXT", .text = "why, for the record"},
    SUBCOMMAND_OPTIONS_REMOTE,
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

enum {
    TIMEOUT_S = 120,
    LOOK_MS = 200,
};

/* The path segments of a target; the caller frees both. */
struct place {
    char *group, *target;
};

/* The target of that address in an answer, or NULL. */
static const json_t *find_target(const json_t *answer, const char *address)
{
    const json_t *target;
    size_t i;

    json_array_foreach(json_object_get(answer, "targets"), i, target)
    {
        const char *text = json_string_value(json_object_get(target, "address"));

        if (text && strcmp(text, address) == 0)
            return target;
    }
    return NULL;
}

static json_int_t in_flight(const json_t *answer, const char *address)
{
    return json_integer_value(json_object_get(find_target(answer, address), "inFlight"));
}

/* Looks until no request is left. Gives the last answer, or NULL; the caller's `answer` is taken over. */
static json_t *wait_until_idle(struct remote *remote, const struct place *place, const char *address,
                               json_t *answer, int64_t timeout_ns)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * NS_PER_MS};
    int64_t end_ns = clk_mono_ns() + timeout_ns;

    while (answer && in_flight(answer, address) > 0 && clk_mono_ns() < end_ns) {
        nanosleep(&pause, NULL);
        json_decref(answer);
        answer = remote_call(remote, "GET", NULL, "/v1/groups/%s/targets", place->group);
    }
    return answer;
}

static json_t *order(struct remote *remote, const struct args *args, const struct place *place)
{
    json_t *body = json_pack("{s:b}", "draining", !args_has(args, "undo"));
    const char *reason = args_value(args, "reason");

    if (reason)
        json_object_set_new(body, "reason", json_string(reason));
    return remote_call(remote, "POST", body, "/v1/groups/%s/targets/%s/drain", place->group, place->target);
}

static void print_text(const json_t *answer, const struct args *args)
{
    const char *address = args->operands[1];
    char count[FIGURE_LEN];

    if (args_has(args, "undo")) {
        printf("%s of %s takes new requests again\n", address, args->operands[0]);
        return;
    }
    printf("%s of %s takes no new requests; %s in flight\n", address, args->operands[0],
           figure_count((uint64_t)in_flight(answer, address), count));
}

static enum subcommand_exit drain(const struct args *args, int64_t timeout_ns)
{
    const char *address = args->operands[1];
    struct remote remote;
    struct place place;
    json_t *answer;
    bool idle = true;

    if (!remote_open(&remote, args))
        return SUBCOMMAND_FAILED;
    place = (struct place){client_segment(args->operands[0]), client_segment(address)};
    answer = order(&remote, args, &place);
    if (args_has(args, "wait")) {
        answer = wait_until_idle(&remote, &place, address, answer, timeout_ns);
        idle = in_flight(answer, address) == 0;
    }
    if (answer && args_has(args, "json"))
        subcommand_print_json(find_target(answer, address));
    else if (answer)
        print_text(answer, args);
    if (answer && !idle)
        term_error("drain: %s still has requests in flight; --timeout waits longer", address);
    free(place.group);
    free(place.target);
    remote_close(&remote);
    json_decref(answer);
    return answer && idle ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *timeout = args_value(args, "timeout");
    int64_t timeout_ns = TIMEOUT_S * NS_PER_S;

    (void)verb;
    if (timeout && !unit_duration_parse(str_from(timeout), &timeout_ns))
        return subcommand_misused(&subcommand_drain, "--timeout %s is no time; write 30s or 2m", timeout);
    if (args_has(args, "undo") && args_has(args, "wait"))
        return subcommand_misused(&subcommand_drain, "--undo and --wait exclude one another");
    return drain(args, timeout_ns);
}

const struct subcommand subcommand_drain = {
    .name = "drain",
    .summary = "give a target no new requests",
    .operands = "GROUP TARGET",
    .operands_min = 2,
    .operands_max = 2,
    .text = "TARGET is its address as in the configuration. What is in flight there ends well. A drained\n"
            "target stays so until --undo or a restart.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
