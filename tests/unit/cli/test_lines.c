#include "cli/lines.h"

#include "../unit.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/penstock-lines-XXXXXX";
static struct lines lines;

static void open_with(const char *bytes, size_t len)
{
    int fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, bytes + done, len - done);

        ck_assert_int_gt(n, 0);
        done += (size_t)n;
    }
    close(fd);
    ck_assert(lines_open(&lines, path));
    unlink(path);
}

static void next_is(const char *text)
{
    struct str line;

    ck_assert_int_eq(lines_next(&lines, &line), LINES_LINE);
    ck_assert_msg(str_eq(line, str_from(text)), "%.*s", STR_ARG(line));
}

static void is_over(void)
{
    struct str line;

    ck_assert_int_eq(lines_next(&lines, &line), LINES_END);
    ck_assert_int_eq(lines_next(&lines, &line), LINES_END);
    lines_close(&lines);
}

START_TEST(lines_end_with_lf_cr_lf_or_the_file)
{
    open_with("a\nbc\r\n\nlast", 11);
    next_is("a");
    next_is("bc");
    next_is("");
    ck_assert_uint_eq(lines.number, 3);
    next_is("last");
    is_over();
}
END_TEST

START_TEST(an_empty_file_has_no_line)
{
    open_with("", 0);
    is_over();
}
END_TEST

/* More than a block in all, with lines that lie across its end. */
START_TEST(lines_across_blocks_are_whole)
{
    enum { LINES = 5000, LEN = 499 };
    char *bytes = mem_alloc(LINES * (LEN + 1)), want[LEN + 1];

    for (size_t i = 0; i < LINES; i++) {
        memset(bytes + i * (LEN + 1), 'a' + (int)(i % 26), LEN);
        bytes[i * (LEN + 1) + LEN] = '\n';
    }
    open_with(bytes, LINES * (LEN + 1));
    for (size_t i = 0; i < LINES; i++) {
        memset(want, 'a' + (int)(i % 26), LEN);
        want[LEN] = '\0';
        next_is(want);
    }
    is_over();
    free(bytes);
}
END_TEST

START_TEST(a_line_without_end_is_an_error)
{
    char *bytes = mem_alloc(LINES_BLOCK + 2);
    struct str line;

    memset(bytes, 'x', LINES_BLOCK + 2);
    bytes[0] = '\n';
    open_with(bytes, LINES_BLOCK + 2);
    next_is("");
    ck_assert_int_eq(lines_next(&lines, &line), LINES_FAILED);
    ck_assert_uint_eq(lines.number, 2);
    ck_assert_ptr_nonnull(strstr(lines.why, "longer"));
    lines_close(&lines);
    free(bytes);
}
END_TEST

START_TEST(a_missing_file_says_so)
{
    ck_assert(!lines_open(&lines, "/nowhere/at/all"));
    ck_assert_ptr_nonnull(strstr(lines.why, "No such file"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_test(tcase, lines_end_with_lf_cr_lf_or_the_file);
    tcase_add_test(tcase, an_empty_file_has_no_line);
    tcase_add_test(tcase, lines_across_blocks_are_whole);
    tcase_add_test(tcase, a_line_without_end_is_an_error);
    tcase_add_test(tcase, a_missing_file_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
