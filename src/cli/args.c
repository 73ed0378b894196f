#include "cli/args.h"

#include <stdio.h>

enum { NEAREST_WORDS_MAX = 64 };

const char *args_nearest(const char *word, const char *const *words, size_t len)
{
    struct str typed = str_from(word);
    unsigned best = 3; /* one letter wrong in a short word, two in a longer one */
    const char *nearest = NULL;

    if (typed.len == 0)
        return NULL;
    if (typed.len < 5)
        best = 2;
    for (size_t i = 0; i < len; i++) {
        struct str known = str_from(words[i]);
        unsigned distance = str_distance(typed, known);

        if (typed.len >= 3 && str_starts_with(known, typed))
            distance = 1;
        if (distance < best) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}

static const struct args_option *by_name(const struct args *args, struct str name)
{
    for (size_t i = 0; i < args->options_len; i++) {
        if (str_eq(str_from(args->options[i].name), name))
            return &args->options[i];
    }
    return NULL;
}

static const struct args_option *by_letter(const struct args *args, char letter)
{
    for (size_t i = 0; i < args->options_len; i++) {
        if (args->options[i].letter == letter)
            return &args->options[i];
    }
    return NULL;
}

static bool refuse_unknown(const struct args *args, struct str name, char why[static ARGS_WHY_MAX])
{
    const char *words[NEAREST_WORDS_MAX], *nearest;
    char typed[NEAREST_WORDS_MAX + 1];
    size_t len = 0;

    for (size_t i = 0; i < args->options_len && len < NEAREST_WORDS_MAX; i++)
        words[len++] = args->options[i].name;
    snprintf(typed, sizeof typed, "%.*s", STR_ARG(name));
    nearest = args_nearest(typed, words, len);
    if (nearest)
        snprintf(why, ARGS_WHY_MAX, "unknown option --%s; did you mean --%s?", typed, nearest);
    else
        snprintf(why, ARGS_WHY_MAX, "unknown option --%s", typed);
    return false;
}

static bool give(struct args *args, const struct args_option *option, const char *value,
                 char why[static ARGS_WHY_MAX])
{
    if (args->given_len == ARGS_GIVEN_MAX) {
        snprintf(why, ARGS_WHY_MAX, "too many options; at most %d are taken", ARGS_GIVEN_MAX);
        return false;
    }
    args->given[args->given_len++] = (struct args_given){option, value};
    return true;
}

/* "--name", "--name=value" or "--name" "value". `*at` is the index of the word and moves over its value. */
static bool parse_long(struct args *args, int argc, const char *const argv[], int *at,
                       char why[static ARGS_WHY_MAX])
{
    struct str rest = str_from(argv[*at] + 2), name;
    bool joined = memchr(rest.p, '=', rest.len) != NULL;
    const struct args_option *option;
    const char *value = NULL;

    if (!str_split(&rest, '=', &name))
        name = STR_NULL;
    option = by_name(args, name);
    if (!option)
        return refuse_unknown(args, name, why);
    if (joined && !option->value) {
        snprintf(why, ARGS_WHY_MAX, "--%s takes no value", option->name);
        return false;
    }
    if (joined)
        value = rest.p;
    else if (option->value && ++*at < argc)
        value = argv[*at];
    if (option->value && !value) {
        snprintf(why, ARGS_WHY_MAX, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        return false;
    }
    return give(args, option, value, why);
}

/* "-n value", "-nvalue", or flags together as "-ab". */
static bool parse_short(struct args *args, int argc, const char *const argv[], int *at,
                        char why[static ARGS_WHY_MAX])
{
    for (const char *p = argv[*at] + 1; *p; p++) {
        const struct args_option *option = by_letter(args, *p);
        const char *value = NULL;

        if (!option) {
            snprintf(why, ARGS_WHY_MAX, "unknown option -%c", *p);
            return false;
        }
        if (option->value && p[1])
            value = p + 1;
        else if (option->value && ++*at < argc)
            value = argv[*at];
        if (option->value && !value) {
            snprintf(why, ARGS_WHY_MAX, "-%c needs a value: -%c %s", *p, *p, option->value);
            return false;
        }
        if (!give(args, option, value, why))
            return false;
        if (option->value)
            break;
    }
    return true;
}

static bool add_operand(struct args *args, const char *word, char why[static ARGS_WHY_MAX])
{
    if (args->operands_len == ARGS_OPERANDS_MAX) {
        snprintf(why, ARGS_WHY_MAX, "too many arguments; at most %d are taken", ARGS_OPERANDS_MAX);
        return false;
    }
    args->operands[args->operands_len++] = word;
    return true;
}

bool args_parse(struct args *args, const struct args_option *options, size_t options_len, int argc,
                const char *const argv[], char why[static ARGS_WHY_MAX])
{
    bool only_operands = false;

    *args = (struct args){.options = options, .options_len = options_len};
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        bool ok;

        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
            continue;
        }
        if (only_operands || word[0] != '-' || word[1] == '\0')
            ok = add_operand(args, word, why);
        else if (word[1] == '-')
            ok = parse_long(args, argc, argv, &i, why);
        else
            ok = parse_short(args, argc, argv, &i, why);
        if (!ok)
            return false;
    }
    return true;
}

static const struct args_option *known(const struct args *args, const char *name)
{
    const struct args_option *option = by_name(args, str_from(name));

    if (!option)
        BUG("the table has no option --%s", name);
    return option;
}

const char *args_next(const struct args *args, const char *name, size_t *at)
{
    const struct args_option *option = known(args, name);

    while (*at < args->given_len) {
        const struct args_given *given = &args->given[(*at)++];

        if (given->option == option)
            return given->value;
    }
    return NULL;
}

const char *args_value(const struct args *args, const char *name)
{
    const struct args_option *option = known(args, name);

    for (size_t i = args->given_len; i-- > 0;) {
        if (args->given[i].option == option)
            return args->given[i].value;
    }
    return NULL;
}

bool args_has(const struct args *args, const char *name)
{
    const struct args_option *option = known(args, name);

    for (size_t i = 0; i < args->given_len; i++) {
        if (args->given[i].option == option)
            return true;
    }
    return false;
}
