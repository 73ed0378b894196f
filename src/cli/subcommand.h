/*
 * The commands of the program. A command is one constant: its name, its words for people, its options and its
 * function; the help, the dispatch and the checks of the manual pages and completions all read it.
 */
#ifndef CLI_SUBCOMMAND_H
#define CLI_SUBCOMMAND_H

#include "base/bug.h"
#include "cli/args.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* Exit statuses of every command. */
enum subcommand_exit {
    SUBCOMMAND_OK = 0,
    SUBCOMMAND_FAILED = 1, /* what was asked for did not come true */
    SUBCOMMAND_USAGE = 2,  /* it was not asked in a way that makes sense */
};

/* A second word that a command takes first, such as `start` in `penstock rollout start`. */
struct subcommand_verb {
    const char *name;
    const char *operands; /* as in the help: "ROUTE PLAN"; empty for none */
    const char *text;     /* one clause */
    unsigned operands_len;
};

struct subcommand {
    const char *name;
    const char *summary;  /* one clause, in the list of commands and on top of the manual page */
    const char *operands; /* as in the help: "ROUTE [PERCENT]"; empty for none; unused with verbs */
    unsigned operands_min, operands_max; /* with verbs: the verb is not counted */
    const char *text;                    /* what else the help says; ends in LF; may be NULL */
    const struct args_option *options;
    size_t options_len;
    const struct subcommand_verb *verbs;
    size_t verbs_len;
    /* The arguments fit the table when it is called. `verb` is NULL without verbs. */
    enum subcommand_exit (*run)(const struct args *args, const struct subcommand_verb *verb);
};

/* Options that several commands have, so that they read the same everywhere. */
#define SUBCOMMAND_OPTION_HELP                                                                               \
    {                                                                                                        \
        .name = "help", .letter = 'h', .text = "show this help and exit"                                     \
    }
#define SUBCOMMAND_OPTION_JSON                                                                               \
    {                                                                                                        \
        .name = "json", .text = "print JSON for programs"                                                    \
    }
#define SUBCOMMAND_OPTION_CONFIG                                                                             \
    {                                                                                                        \
        .name = "config", .letter = 'c', .value = "FILE",                                                    \
        .text = "the configuration; - is standard input (default: $PENSTOCK_CONFIG)"                         \
    }
/* How a running penstock is found (cli/remote). */
#define SUBCOMMAND_OPTIONS_REMOTE                                                                            \
    {.name = "config",                                                                                       \
     .letter = 'c',                                                                                          \
     .value = "FILE",                                                                                        \
     .text = "take the admin address and the token from this configuration"},                                \
        {.name = "admin", .value = "ADDRESS", .text = "the admin address: HOST:PORT, a URL or unix:PATH"},   \
    {                                                                                                        \
        .name = "token-file", .value = "FILE", .text = "a file with the bearer token that writes need"       \
    }

extern const struct subcommand *const subcommands[];
extern const size_t subcommands_len;

/* The command of that name, or NULL. */
const struct subcommand *subcommand_find(const char *name);
/* The whole help of a command. */
void subcommand_help(const struct subcommand *command, FILE *out);
/* The usage error of a command: what is wrong, its usage, where the help is. Always SUBCOMMAND_USAGE. */
enum subcommand_exit subcommand_misused(const struct subcommand *command, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* The configuration that -c names, else $PENSTOCK_CONFIG; NULL for neither. For tables with
 * SUBCOMMAND_OPTION_CONFIG. */
const char *subcommand_config(const struct args *args);

/* Prints JSON for programs, with a line end, on standard output. */
void subcommand_print_json(const json_t *json);

/* Runs the program: argv[0] is its name. Gives the exit status. */
int subcommand_main(int argc, const char *const argv[]);

#endif
