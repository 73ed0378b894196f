#include "cli/subcommand.h"

#include "../unit.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A file of the source tree; the caller frees. */
static char *read_file(const char *before, const char *name, const char *after)
{
    const char *top = getenv("top_srcdir");
    struct text text;
    char path[512], block[4096];
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "%s/%s%s%s", top ? top : ".", before, name, after);
    file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    text_init(&text, 1 << 20);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        text_add(&text, block, n);
    fclose(file);
    return text_take(&text);
}

/* Whether `what` stands in the text and ends there as a word. */
static bool has_word(const char *text, const char *what)
{
    size_t len = strlen(what);

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += len) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz-", p[len]) || !p[len])
            return true;
    }
    return false;
}

static void check_word(const char *text, const char *where, const char *before, const char *word)
{
    char what[128];

    snprintf(what, sizeof what, "%s%s", before, word);
    ck_assert_msg(has_word(text, what), "'%s' is not in %s", what, where);
}

START_TEST(every_option_is_in_the_manual_page_of_its_command)
{
    for (size_t c = 0; c < subcommands_len; c++) {
        const struct subcommand *command = subcommands[c];
        char *page = read_file("man/penstock-", command->name, ".1");

        check_word(page, command->name, ".Nm penstock-", command->name);
        for (size_t i = 0; i < command->options_len; i++) {
            const struct args_option *option = &command->options[i];
            const char letter[] = {option->letter, '\0'};

            check_word(page, command->name, "Fl -", option->name);
            if (option->letter)
                check_word(page, command->name, ".It Fl ", letter);
        }
        for (size_t i = 0; i < command->verbs_len; i++)
            check_word(page, command->name, ".It Cm ", command->verbs[i].name);
        ck_assert_msg(strstr(page, command->summary) != NULL, "%s: another summary", command->name);
        free(page);
    }
}
END_TEST

START_TEST(every_command_is_in_the_manual_page_of_the_program)
{
    char *page = read_file("man/", "penstock", ".1");

    for (size_t c = 0; c < subcommands_len; c++) {
        check_word(page, "penstock.1", ".It Cm ", subcommands[c]->name);
        check_word(page, "penstock.1", ".Xr penstock-", subcommands[c]->name);
    }
    free(page);
}
END_TEST

START_TEST(completions_know_every_command_option_and_verb)
{
    static const char *const files[] = {"penstock.bash", "_penstock"};

    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        char *text = read_file("contrib/completions/", files[f], "");

        for (size_t c = 0; c < subcommands_len; c++) {
            const struct subcommand *command = subcommands[c];

            check_word(text, files[f], "", command->name);
            for (size_t i = 0; i < command->options_len; i++)
                check_word(text, files[f], "--", command->options[i].name);
            for (size_t i = 0; i < command->verbs_len; i++)
                check_word(text, files[f], "", command->verbs[i].name);
        }
        free(text);
    }
}
END_TEST

START_TEST(tables_are_without_doubles_and_every_command_has_help)
{
    for (size_t c = 0; c < subcommands_len; c++) {
        const struct subcommand *command = subcommands[c];
        bool help = false;

        ck_assert_ptr_eq(subcommand_find(command->name), command);
        ck_assert_ptr_nonnull(command->run);
        for (size_t i = 0; i < command->options_len; i++) {
            help |= strcmp(command->options[i].name, "help") == 0;
            for (size_t k = 0; k < i; k++) {
                ck_assert_str_ne(command->options[i].name, command->options[k].name);
                ck_assert(!command->options[i].letter ||
                          command->options[i].letter != command->options[k].letter);
            }
        }
        ck_assert_msg(help, "%s has no --help", command->name);
    }
    ck_assert_ptr_null(subcommand_find("help"));
}
END_TEST

START_TEST(lines_of_help_fit_a_terminal)
{
    for (size_t c = 0; c < subcommands_len; c++) {
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);
        struct str rest, line;

        subcommand_help(subcommands[c], out);
        fclose(out);
        rest = (struct str){text, len};
        while (str_split(&rest, '\n', &line))
            ck_assert_msg(line.len <= 100, "%s: %.*s", subcommands[c]->name, STR_ARG(line));
        free(text);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("subcommand");
    TCase *tc = tcase_create("subcommand");

    tcase_add_test(tc, every_option_is_in_the_manual_page_of_its_command);
    tcase_add_test(tc, every_command_is_in_the_manual_page_of_the_program);
    tcase_add_test(tc, completions_know_every_command_option_and_verb);
    tcase_add_test(tc, tables_are_without_doubles_and_every_command_has_help);
    tcase_add_test(tc, lines_of_help_fit_a_terminal);
    suite_add_tcase(suite, tc);
    return suite;
}
