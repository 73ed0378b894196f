#include "cli/subcommand.h"

#include "cli/check.h"
#include "cli/decisions.h"
#include "cli/demo.h"
#include "cli/drain.h"
#include "cli/explain.h"
#include "cli/override.h"
#include "cli/replay.h"
#include "cli/report.h"
#include "cli/rollout.h"
#include "cli/serve.h"
#include "cli/status.h"
#include "cli/term.h"
#include "cli/weight.h"
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct subcommand *const subcommands[] = {
    &subcommand_demo,   &subcommand_serve,    &subcommand_check,   &subcommand_explain,
    &subcommand_status, &subcommand_weight,   &subcommand_rollout, &subcommand_decisions,
    &subcommand_drain,  &subcommand_override, &subcommand_report,  &subcommand_replay,
};
const size_t subcommands_len = ARRAY_LEN(subcommands);

const struct subcommand *subcommand_find(const char *name)
{
    for (size_t i = 0; i < subcommands_len; i++) {
        if (strcmp(subcommands[i]->name, name) == 0)
            return subcommands[i];
    }
    return NULL;
}

/* ---- help ---- */

/* Verbs that take the same share a line. */
static void print_verbs_usage(const struct subcommand *command, FILE *out)
{
    const char *lead = "Usage:", *joint = "";

    for (size_t i = 0; i < command->verbs_len; i++) {
        const struct subcommand_verb *verb = &command->verbs[i];
        bool last = i + 1 == command->verbs_len || strcmp(verb[1].operands, verb->operands) != 0;

        if (!*joint)
            fprintf(out, "%-6s penstock %s ", lead, command->name);
        fprintf(out, "%s%s", joint, verb->name);
        joint = "|";
        if (last) {
            fprintf(out, "%s%s [OPTION...]\n", *verb->operands ? " " : "", verb->operands);
            joint = lead = "";
        }
    }
}

static void print_usage(const struct subcommand *command, FILE *out)
{
    if (command->verbs_len)
        print_verbs_usage(command, out);
    else
        fprintf(out, "Usage: penstock %s%s%s [OPTION...]\n", command->name, *command->operands ? " " : "",
                command->operands);
}

static void print_option(const struct args_option *option, FILE *out)
{
    char left[48];

    snprintf(left, sizeof left, "%c%c%c --%s%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? ',' : ' ', option->name,
             option->value ? " " : "", option->value ? option->value : "");
    if (strlen(left) > 24)
        fprintf(out, "  %s\n  %-24s  %s\n", left, "", option->text);
    else
        fprintf(out, "  %-24s  %s\n", left, option->text);
}

void subcommand_help(const struct subcommand *command, FILE *out)
{
    fprintf(out, "penstock %s - %s\n\n", command->name, command->summary);
    print_usage(command, out);
    if (command->verbs_len)
        fprintf(out, "\n");
    for (size_t i = 0; i < command->verbs_len; i++)
        fprintf(out, "  %-10s  %s\n", command->verbs[i].name, command->verbs[i].text);
    if (command->text)
        fprintf(out, "\n%s", command->text);
    fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < command->options_len; i++)
        print_option(&command->options[i], out);
    fprintf(out, "\nMore: man penstock-%s\n", command->name);
}

static void print_program_help(FILE *out)
{
    fprintf(out,
            "penstock " PACKAGE_VERSION " - a front door that moves traffic between two platforms by itself\n"
            "\n"
            "Usage: penstock COMMAND [OPTION...]\n"
            "\n");
    for (size_t i = 0; i < subcommands_len; i++)
        fprintf(out, "  %-10s  %s\n", subcommands[i]->name, subcommands[i]->summary);
    fprintf(out, "  %-10s  %s\n", "help", "show the help of a command");
    fprintf(out, "\n"
                 "Begin with `penstock demo`: it needs nothing else.\n"
                 "`penstock help COMMAND` or `man penstock-COMMAND` says more.\n");
}

const char *subcommand_config(const struct args *args)
{
    const char *path = args_value(args, "config"), *usual = getenv("PENSTOCK_CONFIG");

    if (path)
        return path;
    return usual && *usual ? usual : NULL;
}

void subcommand_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    printf("\n");
}

/* ---- dispatch ---- */

enum subcommand_exit subcommand_misused(const struct subcommand *command, const char *fmt, ...)
{
    char why[ARGS_WHY_MAX * 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    term_error("%s: %s", command->name, why);
    print_usage(command, stderr);
    fprintf(stderr, "Help:  penstock help %s\n", command->name);
    return SUBCOMMAND_USAGE;
}

static int refuse_word(const char *word)
{
    const char *words[32], *nearest;
    size_t len = 0;

    for (size_t i = 0; i < subcommands_len && len < ARRAY_LEN(words) - 1; i++)
        words[len++] = subcommands[i]->name;
    words[len++] = "help";
    nearest = args_nearest(word, words, len);
    if (nearest)
        term_error("unknown command %s; did you mean %s?", word, nearest);
    else
        term_error("unknown command %s; `penstock help` lists them", word);
    return SUBCOMMAND_USAGE;
}

static enum subcommand_exit refuse_verb(const struct subcommand *command, const char *word)
{
    const char *words[32], *nearest;
    size_t len = 0;

    for (size_t i = 0; i < command->verbs_len && len < ARRAY_LEN(words); i++)
        words[len++] = command->verbs[i].name;
    nearest = args_nearest(word, words, len);
    if (nearest)
        return subcommand_misused(command, "%s is none of its words; did you mean %s?", word, nearest);
    return subcommand_misused(command, "%s is none of its words", word);
}

static const struct subcommand_verb *find_verb(const struct subcommand *command, const char *word)
{
    for (size_t i = 0; i < command->verbs_len; i++) {
        if (strcmp(command->verbs[i].name, word) == 0)
            return &command->verbs[i];
    }
    return NULL;
}

/* The operands that stand behind the verb become the only ones. */
static void drop_first_operand(struct args *args)
{
    args->operands_len--;
    memmove(args->operands, args->operands + 1, args->operands_len * sizeof args->operands[0]);
}

static bool asks_for_help(int argc, const char *const argv[])
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static enum subcommand_exit run(const struct subcommand *command, int argc, const char *const argv[])
{
    const struct subcommand_verb *verb = NULL;
    unsigned least = command->operands_min, most = command->operands_max;
    char why[ARGS_WHY_MAX];
    struct args args;

    if (asks_for_help(argc, argv)) {
        subcommand_help(command, stdout);
        return SUBCOMMAND_OK;
    }
    if (!args_parse(&args, command->options, command->options_len, argc, argv, why))
        return subcommand_misused(command, "%s", why);
    if (command->verbs_len) {
        if (args.operands_len == 0)
            return subcommand_misused(command, "what shall be done?");
        verb = find_verb(command, args.operands[0]);
        if (!verb)
            return refuse_verb(command, args.operands[0]);
        drop_first_operand(&args);
        least = most = verb->operands_len;
    }
    if (args.operands_len < least)
        return subcommand_misused(command, "too few arguments: %s",
                                  verb ? verb->operands : command->operands);
    if (args.operands_len > most)
        return subcommand_misused(command, "too many arguments: %s", args.operands[most]);
    return command->run(&args, verb);
}

static int help(int argc, const char *const argv[])
{
    const struct subcommand *command;

    if (argc == 0) {
        print_program_help(stdout);
        return SUBCOMMAND_OK;
    }
    command = subcommand_find(argv[0]);
    if (!command)
        return refuse_word(argv[0]);
    subcommand_help(command, stdout);
    return SUBCOMMAND_OK;
}

static int main_option(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_program_help(stdout);
        return SUBCOMMAND_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("penstock " PACKAGE_VERSION "\n");
        return SUBCOMMAND_OK;
    }
    term_error("unknown option %s before the command; did you mean --help or --version?", word);
    return SUBCOMMAND_USAGE;
}

int subcommand_main(int argc, const char *const argv[])
{
    const struct subcommand *command;
    enum subcommand_exit status;

    if (argc < 2) {
        print_program_help(stderr);
        return SUBCOMMAND_USAGE;
    }
    if (argv[1][0] == '-')
        status = main_option(argv[1]);
    else if (strcmp(argv[1], "help") == 0)
        status = help(argc - 2, argv + 2);
    else if ((command = subcommand_find(argv[1])) != NULL)
        status = run(command, argc - 2, argv + 2);
    else
        status = refuse_word(argv[1]);
    if (fflush(stdout) != 0 && status == SUBCOMMAND_OK) {
        term_error("standard output: cannot write what was asked for");
        status = SUBCOMMAND_FAILED;
    }
    return status;
}
