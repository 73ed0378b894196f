#include "base/bug.h"

#include "../unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_bug_prints_its_place_and_aborts)
{
    int ends[2], status;
    char out[512] = "";
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        BUG("weight %d", 5);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_int_gt(read(ends[0], out, sizeof out - 1), 0);
    ck_assert_msg(strstr(out, "test_bug.c:") && strstr(out, ": weight 5"), "%s", out);
}
END_TEST

START_TEST(bug_on_a_true_condition_aborts)
{
    int n = 1;

    BUG_ON(n == 1);
}
END_TEST

START_TEST(bug_on_a_false_condition_goes_on)
{
    int n = 1;

    BUG_ON(n == 2);
}
END_TEST

START_TEST(container_of_finds_the_embedding_struct)
{
    struct outer {
        int a;
        int b;
    } outer;

    ck_assert_ptr_eq(CONTAINER_OF(&outer.b, struct outer, b), &outer);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("bug");
    TCase *tc = tcase_create("bug");

    tcase_add_test(tc, a_bug_prints_its_place_and_aborts);
    tcase_add_test_raise_signal(tc, bug_on_a_true_condition_aborts, SIGABRT);
    tcase_add_test(tc, bug_on_a_false_condition_goes_on);
    tcase_add_test(tc, container_of_finds_the_embedding_struct);
    suite_add_tcase(suite, tc);
    return suite;
}
