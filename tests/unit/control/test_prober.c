/*
 * Health checks against sockets of the test: what is asked, and how verdicts come about.
 */
#include "control/prober.h"

#include "../unit.h"
#include "base/mem.h"
#include "conf/load.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static struct board *board;
static struct prober *prober;
static int listener;

static struct config *load(const char *check)
{
    struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof bound;
    struct conf_report report;
    struct config *config;
    char yaml[1024];

    if (listener < 0) {
        listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&bound, sizeof bound), 0);
        ck_assert_int_eq(listen(listener, 16), 0);
    }
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&bound, &len), 0);
    snprintf(yaml, sizeof yaml,
             "listeners: [ { address: \"127.0.0.1:0\" } ]\n"
             "targetGroups: { a: { targets: [ \"127.0.0.1:%u\" ]%s } }\n"
             "routes: [ { name: r, stable: a } ]\n",
             ntohs(bound.sin_port), check);
    conf_report_init(&report);
    config = config_load_bytes("test.yaml", str_from(yaml), ".", false, &report);
    conf_report_fini(&report);
    ck_assert_ptr_nonnull(config);
    return config;
}

/* The board has no crew: nothing is published, so it must not be asked to. */
static void start(const char *check)
{
    struct config *config;
    char why[256];

    listener = -1;
    config = load(check);
    base = event_base_new();
    board = mem_alloc(sizeof *board);
    ck_assert(board_init(board, config, NULL, why, sizeof why));
    config_unref(config);
    prober = prober_new(base, board);
}

static void stop(void)
{
    prober_free(prober);
    board_fini(board);
    free(board);
    event_base_free(base);
    close(listener);
}

static const struct health *health(void)
{
    return &board->health[board->config->groups[0].targets[0].slot];
}

static void turn(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
    poll(NULL, 0, 1);
}

/* The next check's connection. */
static int accept_one(void)
{
    for (int i = 0; i < 20000; i++) {
        int fd = accept(listener, NULL, NULL);

        if (fd >= 0)
            return fd;
        turn();
    }
    ck_abort_msg("no check came");
}

/* Answers the next check; gives what was asked. */
static const char *answer(const char *bytes)
{
    static char request[2048];
    int fd = accept_one();
    size_t len = 0;

    while (len < 4 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = recv(fd, request + len, sizeof request - 1 - len, MSG_DONTWAIT);

        if (n > 0)
            len += (size_t)n;
        turn();
    }
    request[len] = '\0';
    ck_assert_int_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
    for (char byte; recv(fd, &byte, 1, MSG_DONTWAIT) < 0;)
        turn();
    close(fd);
    return request;
}

#define CHECK ", healthCheck: { path: \"/up?x=1\", host: h.example, interval: 100ms, timeout: 100ms }"
#define GOOD  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

START_TEST(a_check_is_a_get_with_its_host_on_a_connection_of_its_own)
{
    start(CHECK);
    ck_assert_int_eq(health()->state, HEALTH_UNKNOWN);
    ck_assert_str_eq(answer(GOOD),
                     "GET /up?x=1 HTTP/1.1\r\nHost: h.example\r\nUser-Agent: penstock-health-check\r\n"
                     "Connection: close\r\n\r\n");
    ck_assert_int_eq(health()->state, HEALTH_GOOD);
    stop();
}
END_TEST

START_TEST(the_reason_of_a_failure_is_kept)
{
    static const char *const cases[][2] = {
        {"HTTP/1.1 503 Oh\r\n\r\n", "status 503"},
        {"HTTP/1.1 100 Continue\r\n\r\n", "status 100"},
        {"nonsense\r\n\r\n", "the answer breaks the rules of HTTP"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        start(CHECK);
        answer(cases[i][0]);
        ck_assert_int_eq(health()->state, HEALTH_UNKNOWN); /* one failure is no verdict */
        ck_assert_msg(strncmp(health()->why, cases[i][1], strlen(cases[i][1])) == 0, "%s: %s", cases[i][1],
                      health()->why);
        stop();
    }
}
END_TEST

START_TEST(silence_and_an_early_end_are_failures)
{
    int fd;

    start(CHECK);
    fd = accept_one();
    for (int i = 0; i < 20000 && !health()->why[0]; i++)
        turn();
    ck_assert_str_eq(health()->why, "no answer in time");
    close(fd);
    fd = accept_one();
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 20000 && strcmp(health()->why, "no answer in time") == 0; i++)
        turn();
    ck_assert_str_eq(health()->why, "the target closed the connection before it answered");
    close(fd);
    stop();
}
END_TEST

START_TEST(without_a_path_to_connect_is_enough)
{
    start(", healthCheck: { connect: true, interval: 100ms, timeout: 100ms }");
    close(accept_one());
    for (int i = 0; i < 20000 && health()->state != HEALTH_GOOD; i++)
        turn();
    ck_assert_int_eq(health()->state, HEALTH_GOOD);
    stop();
}
END_TEST

START_TEST(a_configuration_without_checks_forgets_what_they_found)
{
    struct config *old;

    start(CHECK);
    answer(GOOD);
    ck_assert_int_eq(health()->state, HEALTH_GOOD);
    old = board->config;
    board->config = load("");
    prober_look(prober);
    ck_assert_int_eq(health()->state, HEALTH_UNKNOWN);
    config_unref(old);
    stop();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("prober");
    TCase *tc = tcase_create("prober");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_check_is_a_get_with_its_host_on_a_connection_of_its_own);
    tcase_add_test(tc, the_reason_of_a_failure_is_kept);
    tcase_add_test(tc, silence_and_an_early_end_are_failures);
    tcase_add_test(tc, without_a_path_to_connect_is_enough);
    tcase_add_test(tc, a_configuration_without_checks_forgets_what_they_found);
    suite_add_tcase(suite, tc);
    return suite;
}
