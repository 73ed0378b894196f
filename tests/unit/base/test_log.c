#include "base/log.h"

#include "base/clk.h"

#include "../unit.h"

#include <string.h>
#include <unistd.h>

/* Each case runs in a process of its own, so standard error can be turned into a pipe and left so. */
static int reader;

static void catch_stderr(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close(ends[1]);
    reader = ends[0];
}

/* What was written since, with a NUL; ends the catching. */
static size_t caught(char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n;

    close(STDERR_FILENO);
    while ((n = read(reader, out + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    close(reader);
    return len;
}

START_TEST(a_line_is_time_level_and_message)
{
    char out[4096];

    catch_stderr();
    log_warn("%s is %d", "weight", 5);
    caught(out, sizeof out);
    ck_assert_str_eq(out + CLK_TEXT_LEN, " warn weight is 5\n");
    ck_assert_int_eq(out[10], 'T');
    ck_assert_int_eq(out[CLK_TEXT_LEN - 1], 'Z');
}
END_TEST

START_TEST(lines_below_the_level_are_left_out)
{
    char out[4096];

    catch_stderr();
    log_debug("not by default");
    log_info("a");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("not now");
    log_error("b");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("c");
    caught(out, sizeof out);
    ck_assert_ptr_null(strstr(out, "not"));
    ck_assert_ptr_nonnull(strstr(out, " info a\n"));
    ck_assert_ptr_nonnull(strstr(out, " error b\n"));
    ck_assert_ptr_nonnull(strstr(out, " debug c\n"));
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
    char message[4000], out[8192];
    size_t len;

    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    catch_stderr();
    log_info("%s", message);
    len = caught(out, sizeof out);
    ck_assert_uint_le(len, 1024);
    ck_assert_uint_gt(len, 1000);
    ck_assert_int_eq(out[len - 1], '\n');
}
END_TEST

START_TEST(what_a_client_sends_cannot_forge_a_line_or_drive_a_terminal)
{
    char out[4096];

    catch_stderr();
    log_info("a\nb\r\nc\033[2Jd\177e\tf");
    caught(out, sizeof out);
    ck_assert_str_eq(out + CLK_TEXT_LEN, " info a b  c [2Jd e f\n");
}
END_TEST

START_TEST(a_limit_passes_one_line_a_second_and_counts_the_rest)
{
    struct log_limit limit = {0};
    int64_t now = 5 * NS_PER_S;
    uint64_t suppressed = 99;

    ck_assert(log_limit_pass(&limit, now, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
    ck_assert(!log_limit_pass(&limit, now, &suppressed));
    ck_assert(!log_limit_pass(&limit, now + NS_PER_S - 1, &suppressed));
    ck_assert(log_limit_pass(&limit, now + NS_PER_S, &suppressed));
    ck_assert_uint_eq(suppressed, 2);
    ck_assert(log_limit_pass(&limit, now + 9 * NS_PER_S, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_add_test(tc, a_line_is_time_level_and_message);
    tcase_add_test(tc, lines_below_the_level_are_left_out);
    tcase_add_test(tc, a_long_line_is_cut_and_still_ends);
    tcase_add_test(tc, what_a_client_sends_cannot_forge_a_line_or_drive_a_terminal);
    tcase_add_test(tc, a_limit_passes_one_line_a_second_and_counts_the_rest);
    suite_add_tcase(suite, tc);
    return suite;
}
