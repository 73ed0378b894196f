#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "cli/demo_fault.h"
#include "cli/demo_files.h"
#include "cli/demo_target.h"
#include "cli/demo_traffic.h"
#include "conf/config.h"
#include "conf/load.h"
#include "conf/planfile.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- faults ---- */

static struct demo_behaviour stable, canary;

static void behave(enum demo_fault fault, double weight, double since_s)
{
    const struct demo_moment moment = {
        .weight = weight, .since_ns = (int64_t)(since_s * NS_PER_S), .rate = 200, .speed = 1};

    demo_fault_behave(fault, &moment, &stable, &canary);
}

START_TEST(without_a_fault_both_groups_are_alike)
{
    behave(DEMO_FAULT_NONE, 50, 30);
    ck_assert(stable.errors == canary.errors);
    ck_assert_int_eq(stable.median_ns, canary.median_ns);
    ck_assert(stable.sigma == canary.sigma);
    ck_assert(canary.capacity == 0 && canary.extra_ns == 0 && !canary.down);
}
END_TEST

START_TEST(stable_is_healthy_whatever_the_canary_does)
{
    for (enum demo_fault fault = DEMO_FAULT_ERRORS; fault < DEMO_FAULTS; fault++) {
        behave(fault, 20, 30);
        ck_assert(stable.errors < 0.01);
        ck_assert(!stable.down && stable.extra_ns == 0 && stable.capacity == 0);
    }
    behave(DEMO_FAULT_ERRORS, 5, 1);
    ck_assert(canary.errors == 0.05);
    behave(DEMO_FAULT_SLOW, 5, 1);
    ck_assert_int_eq(canary.extra_ns, 10 * DEMO_SLO_NS);
    behave(DEMO_FAULT_CAPACITY, 5, 1);
    ck_assert(canary.capacity > 2 * 0.20 * 200 && canary.capacity < 0.80 * 200);
}
END_TEST

START_TEST(an_outage_is_first_shared_and_then_the_canarys_own)
{
    behave(DEMO_FAULT_OUTAGE, 0, -1);
    ck_assert(stable.errors < 0.01);
    behave(DEMO_FAULT_OUTAGE, 5, 5);
    ck_assert(stable.errors == canary.errors && stable.errors > 0.1);
    behave(DEMO_FAULT_OUTAGE, 5, 20);
    ck_assert(stable.errors < 0.01 && !canary.down);
    behave(DEMO_FAULT_OUTAGE, 20, 25);
    ck_assert(stable.errors < 0.01 && canary.down);
}
END_TEST

START_TEST(each_fault_knows_its_end)
{
    enum demo_fault fault;

    ck_assert(demo_fault_parse("none", &fault) && demo_fault_ends_well(fault, "promoted"));
    ck_assert(!demo_fault_ends_well(fault, "rolledBack"));
    ck_assert(demo_fault_parse("errors", &fault) && demo_fault_ends_well(fault, "rolledBack"));
    ck_assert(!demo_fault_ends_well(fault, "promoted"));
    ck_assert(demo_fault_parse("capacity", &fault) && demo_fault_ends_well(fault, "held"));
    ck_assert(!demo_fault_ends_well(fault, "promoted"));
    ck_assert(!demo_fault_parse("error", &fault));
    ck_assert(demo_is_end("promoted") && demo_is_end("rolledBack") && demo_is_end("held"));
    ck_assert(!demo_is_end("running") && !demo_is_end("watching") && !demo_is_end("retreating"));
}
END_TEST

/* ---- files ---- */

static void check_report(struct conf_report *report, bool ok)
{
    conf_report_print(report, stderr);
    ck_assert(ok && report->len == 0);
    conf_report_fini(report);
}

START_TEST(the_plan_is_without_a_problem_at_every_speed)
{
    static const double speeds[] = {0.01, 0.5, 1, 3, 7, 10, 100};
    struct plan *plan = malloc(sizeof *plan);

    for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
        struct conf_report report;
        struct text text;

        text_init(&text, DEMO_PLAN_MAX);
        demo_plan_write(&text, speeds[i]);
        conf_report_init(&report);
        check_report(&report,
                     plan_load_bytes("plan", (struct str){text.p, text.len}, false, NULL, plan, &report));
        ck_assert_int_eq(plan->analysis.unit, UNIT_HEADER);
        text_fini(&text);
    }
    free(plan);
}
END_TEST

static struct demo_group *start(struct demo_behaviour behaviour);

START_TEST(the_configuration_is_without_a_problem_and_leaves_nothing_behind)
{
    struct demo_group *ec2 = start((struct demo_behaviour){0}), *fargate = start((struct demo_behaviour){0});
    const struct demo_setup setup = {.stable = ec2,
                                     .canary = fargate,
                                     .targets = 2,
                                     .stable_name = "ec2",
                                     .canary_name = "fargate",
                                     .speed = 1,
                                     .access_log = "/tmp/with \"quotes\".jsonl"};
    struct demo_files files;
    struct conf_report report;
    struct config *config;
    char why[DEMO_WHY_MAX], *folder;

    ck_assert_msg(demo_files_make(&files, &setup, why), "%s", why);
    conf_report_init(&report);
    config = config_load(files.config, &report);
    check_report(&report, config != NULL);
    ck_assert_str_eq(config->admin.token, files.token);
    ck_assert_str_eq(config->logs[0].path, setup.access_log);
    config_unref(config);
    folder = mem_strdup(files.folder);
    demo_files_remove(&files);
    ck_assert_int_ne(access(folder, F_OK), 0);
    free(folder);
    demo_group_free(ec2);
    demo_group_free(fargate);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_named)
{
    struct demo_files files;
    const struct demo_setup setup = {.speed = 1};
    char why[DEMO_WHY_MAX];

    setenv("TMPDIR", "/nowhere", 1);
    ck_assert(!demo_files_make(&files, &setup, why));
    ck_assert_ptr_nonnull(strstr(why, "/nowhere"));
    demo_files_remove(&files);
    unsetenv("TMPDIR");
}
END_TEST

/* ---- how a target answers ---- */

START_TEST(answers_are_log_normal)
{
    behave(DEMO_FAULT_NONE, 0, 0);
    ck_assert_int_eq(demo_answer_ns(&stable, 0), 45 * NS_PER_MS);
    /* 99.5 % lie below 2.576 standard deviations: there is the SLO. */
    ck_assert_int_lt(llabs(demo_answer_ns(&stable, 2.576) - DEMO_SLO_NS), 2 * NS_PER_MS);
    ck_assert_int_lt(demo_answer_ns(&stable, -3), 10 * NS_PER_MS);
}
END_TEST

START_TEST(below_its_capacity_a_group_has_no_queue)
{
    const struct demo_behaviour behaviour = {.capacity = 100, .patience_ns = NS_PER_S};
    int64_t free_ns = 0;

    for (int64_t now_ns = NS_PER_S; now_ns < 3 * NS_PER_S; now_ns += 11 * NS_PER_MS)
        ck_assert_int_eq(demo_queue_wait(&behaviour, now_ns, &free_ns), 0);
}
END_TEST

START_TEST(above_it_the_queue_grows_until_patience_ends)
{
    const struct demo_behaviour behaviour = {.capacity = 100, .patience_ns = NS_PER_S};
    int64_t free_ns = 0, last_ns = -1, now_ns = NS_PER_S, wait_ns;

    while ((wait_ns = demo_queue_wait(&behaviour, now_ns, &free_ns)) >= 0) {
        ck_assert_int_gt(wait_ns, last_ns);
        last_ns = wait_ns;
        now_ns += 5 * NS_PER_MS; /* 200 a second */
    }
    ck_assert_int_gt(last_ns, NS_PER_S - 10 * NS_PER_MS);
    ck_assert_int_eq(demo_queue_wait(&behaviour, now_ns + 2 * NS_PER_S, &free_ns), 0);
}
END_TEST

/* ---- servers and clients, over real sockets ---- */

static struct demo_group *start(struct demo_behaviour behaviour)
{
    char why[DEMO_WHY_MAX];
    struct demo_group *group;

    behaviour.median_ns = NS_PER_MS;
    behaviour.sigma = 0.1;
    behaviour.patience_ns = NS_PER_S;
    group = demo_group_start("ec2", 2, &behaviour, 1, why);
    ck_assert_msg(group != NULL, "%s", why);
    return group;
}

static struct sockaddr_in address_of(const struct demo_group *group, size_t target)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *text = demo_group_address(group, target);

    address.sin_port = htons((uint16_t)strtoul(strchr(text, ':') + 1, NULL, 10));
    return address;
}

/* Sends, ends its side, and reads to the end; the caller frees. */
static char *converse(const struct demo_group *group, const char *request)
{
    struct sockaddr_in address = address_of(group, 0);
    char *answer = calloc(1, 65536);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    ssize_t n;

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while ((n = recv(fd, answer + len, 65535 - len, 0)) > 0)
        len += (size_t)n;
    close(fd);
    return answer;
}

#define ENDS "Connection: close\r\n\r\n"

START_TEST(a_target_says_who_answers)
{
    struct demo_group *group = start((struct demo_behaviour){0});
    char *answer =
        converse(group, "GET /x HTTP/1.1\r\nHost: a\r\nX-Platform: ec2\r\nX-Demo-User: \"u1\r\n" ENDS);

    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "\"platform\":\"ec2\""));
    ck_assert_ptr_nonnull(strstr(answer, "\"label\":\"ec2\",\"user\":\"\\\"u1\"}"));
    ck_assert_uint_eq(demo_group_answered(group), 1);
    free(answer);
    demo_group_free(group);
}
END_TEST

START_TEST(a_target_takes_bodies_and_keeps_the_connection)
{
    struct demo_group *group = start((struct demo_behaviour){0});
    char *answer = converse(group, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "5\r\nhello\r\n0\r\n\r\n"
                                   "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                                   "HEAD / HTTP/1.1\r\nHost: a\r\n" ENDS);

    ck_assert_uint_eq(demo_group_answered(group), 3);
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n\r\n"));
    ck_assert_str_eq(strstr(answer, "Connection: close"), "Connection: close\r\n\r\n"); /* HEAD has no body */
    free(answer);
    demo_group_free(group);
}
END_TEST

START_TEST(nonsense_is_cut)
{
    struct demo_group *group = start((struct demo_behaviour){0});
    char *answer = converse(group, "nonsense\r\n\r\n");

    ck_assert_str_eq(answer, "");
    free(answer);
    demo_group_free(group);
}
END_TEST

START_TEST(a_group_that_is_down_refuses_and_comes_back_at_its_place)
{
    struct demo_behaviour behaviour = {.median_ns = NS_PER_MS, .patience_ns = NS_PER_S};
    struct demo_group *group = start(behaviour);
    struct sockaddr_in address = address_of(group, 1);
    int tries = 0, fd;

    behaviour.down = true;
    demo_group_behave(group, &behaviour);
    for (;; tries++) { /* until its thread has seen it */
        bool refused;

        fd = socket(AF_INET, SOCK_STREAM, 0);
        refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0;
        close(fd);
        if (refused)
            break;
        ck_assert_int_lt(tries, 10000);
        poll(NULL, 0, 1);
    }
    behaviour.down = false;
    demo_group_behave(group, &behaviour);
    for (tries = 0;; tries++) {
        bool accepted;

        fd = socket(AF_INET, SOCK_STREAM, 0);
        accepted = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (accepted)
            break;
        ck_assert_int_lt(tries, 10000);
        poll(NULL, 0, 1);
    }
    demo_group_free(group);
}
END_TEST

static struct demo_traffic_counts counts;

/* Lets clients ask until `enough` answers or failures came. */
static void let_clients_ask(struct demo_group *group, uint64_t enough)
{
    const struct demo_traffic_options options = {
        .to = address_of(group, 0), .host = "demo", .rate = 2000, .users = 100, .seed = 1};
    char why[TRAFFIC_WHY_MAX];
    struct demo_traffic *traffic = demo_traffic_start(&options, why);

    ck_assert_msg(traffic != NULL, "%s", why);
    do {
        poll(NULL, 0, 5);
        demo_traffic_count(traffic, &counts);
    } while (counts.good + counts.failed + counts.broken < enough);
    demo_traffic_free(traffic);
}

START_TEST(clients_and_targets_count_the_same)
{
    struct demo_group *group = start((struct demo_behaviour){.errors = 0.5});

    let_clients_ask(group, 500);
    ck_assert_uint_eq(counts.broken, 0);
    ck_assert_uint_eq(counts.late, 0);
    ck_assert_uint_gt(counts.good, 100);
    ck_assert_uint_gt(counts.failed, 100);
    ck_assert_uint_ge(demo_group_answered(group), counts.good + counts.failed);
    ck_assert_uint_ge(counts.sent, counts.good + counts.failed);
    demo_group_free(group);
}
END_TEST

START_TEST(clients_notice_that_nobody_is_there)
{
    struct demo_group *group = start((struct demo_behaviour){.down = true});

    let_clients_ask(group, 50);
    ck_assert_uint_eq(counts.good + counts.failed, 0);
    demo_group_free(group);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("demo");
    TCase *tc = tcase_create("demo");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, without_a_fault_both_groups_are_alike);
    tcase_add_test(tc, stable_is_healthy_whatever_the_canary_does);
    tcase_add_test(tc, an_outage_is_first_shared_and_then_the_canarys_own);
    tcase_add_test(tc, each_fault_knows_its_end);
    tcase_add_test(tc, the_plan_is_without_a_problem_at_every_speed);
    tcase_add_test(tc, the_configuration_is_without_a_problem_and_leaves_nothing_behind);
    tcase_add_test(tc, a_place_that_cannot_be_written_is_named);
    tcase_add_test(tc, answers_are_log_normal);
    tcase_add_test(tc, below_its_capacity_a_group_has_no_queue);
    tcase_add_test(tc, above_it_the_queue_grows_until_patience_ends);
    tcase_add_test(tc, a_target_says_who_answers);
    tcase_add_test(tc, a_target_takes_bodies_and_keeps_the_connection);
    tcase_add_test(tc, nonsense_is_cut);
    tcase_add_test(tc, a_group_that_is_down_refuses_and_comes_back_at_its_place);
    tcase_add_test(tc, clients_and_targets_count_the_same);
    tcase_add_test(tc, clients_notice_that_nobody_is_there);
    suite_add_tcase(suite, tc);
    return suite;
}
