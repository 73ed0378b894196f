/*
 * The arguments of one command, read by a table of its options. Options and operands may be mixed; `--` ends
 * the options, and a lone `-` is an operand (standard input). An option may be written --name VALUE,
 * --name=VALUE, -n VALUE or -nVALUE, and flags of one letter may stand together.
 *
 * Pure; everything is borrowed from argv and from the table.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ARGS_GIVEN_MAX = 64,      /* options in one call */
    ARGS_OPERANDS_MAX = 4096, /* operands in one call: rotated logs are many */
    ARGS_WHY_MAX = 256,
};

struct args_option {
    const char *name;  /* "config" for --config */
    char letter;       /* 'c' for -c; NUL for none */
    const char *value; /* what the help calls the value: "FILE"; NULL: a flag */
    const char *text;  /* what it does, one clause for the help */
};

struct args_given {
    const struct args_option *option;
    const char *value; /* NULL for a flag */
};

struct args {
    const struct args_option *options;
    size_t options_len;
    struct args_given given[ARGS_GIVEN_MAX]; /* in the order of the call */
    size_t given_len;
    const char *operands[ARGS_OPERANDS_MAX];
    size_t operands_len;
};

/* Reads argv[0] to argv[argc - 1]. False with what is wrong, and the nearest known option, in `why`. */
MUST_CHECK bool args_parse(struct args *args, const struct args_option *options, size_t options_len, int argc,
                           const char *const argv[], char why[static ARGS_WHY_MAX]);

/* The value of an option; of the last when it was given several times; NULL when it was not given. BUG when
 * the table has no such option. */
const char *args_value(const struct args *args, const char *name);
/* Whether an option was given. */
bool args_has(const struct args *args, const char *name);
/* Each value of an option that may be repeated: begin with *at = 0; NULL after the last. */
const char *args_next(const struct args *args, const char *name, size_t *at);

/* The word of `words` that `word` was probably meant to be, or NULL when none is near. */
const char *args_nearest(const char *word, const char *const *words, size_t len);

#endif
