#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "export/logplace.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/penstock-forward-XXXXXX";
static char *path;
static int listener;
static struct logplace *place;

/* A server of which the tests play the other end, and a sink without a thread for it. */
static void set_up(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct config_log conf = {.kind = CONFIG_LOG_FORWARD,
                              .queue = 1 << 20,
                              .sample.share = CONFIG_WEIGHT_ONE,
                              .forward = {.servers_len = 1,
                                          .tag = (char *)(uintptr_t) "t",
                                          .ack_timeout_ns = NS_PER_S / 5,
                                          .buffer = 16 << 20}};
    char why[128], *server;

    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path = mem_printf("%s/server", folder);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    server = mem_printf("unix:%s", path);
    conf.forward.servers = &server;
    place = logplace_open(&conf, why, sizeof why);
    ck_assert_msg(place != NULL, "%s", why);
    free(server);
}

static void tear_down(void)
{
    logplace_free(place);
    close(listener);
    unlink(path);
    rmdir(folder);
    free(path);
}

static void take_lines(unsigned lines)
{
    struct text text;

    text_init(&text, 4 << 20);
    for (unsigned i = 0; i < lines; i++)
        text_printf(&text, "{\"line\":%u,\"pad\":\"%0100d\"}\n", i, 0);
    place->kind->take(place, (struct str){text.p, text.len}, lines);
    text_fini(&text);
}

static uint64_t errors(void)
{
    return atomic_load(&place->counters.errors);
}

/* The server's end of the next connection. */
static int accepted(void)
{
    int fd = accept(listener, NULL, NULL);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* Reads one message to the id at its end, and acknowledges it. */
static void acknowledge(int fd)
{
    char bytes[4096], answer[64];
    ssize_t len = recv(fd, bytes, sizeof bytes, 0);
    const char *chunk = len > 0 ? memmem(bytes, (size_t)len, "chunk\xb8", 6) : NULL;

    ck_assert_ptr_nonnull(chunk);
    snprintf(answer, sizeof answer,
             "\x81\xa3"
             "ack\xb8%.24s",
             chunk + 6);
    ck_assert_int_eq(send(fd, answer, strlen(answer), MSG_NOSIGNAL), (ssize_t)strlen(answer));
}

static void work_until_written(uint64_t lines)
{
    for (int i = 0; i < 500 && atomic_load(&place->counters.lines) < lines; i++)
        place->kind->work(place);
    ck_assert_uint_eq(atomic_load(&place->counters.lines), lines);
}

START_TEST(a_server_that_takes_half_a_message_and_no_more_is_left)
{
    take_lines(20000);
    for (int64_t end_ns = clk_mono_ns() + 20 * NS_PER_S; errors() == 0 && clk_mono_ns() < end_ns;)
        place->kind->work(place);
    ck_assert_uint_eq(errors(), 1);
    ck_assert_uint_eq(atomic_load(&place->counters.lines), 0);
    ck_assert_uint_eq(atomic_load(&place->counters.lost), 0);
}
END_TEST

START_TEST(a_server_that_closes_an_idle_connection_is_no_error_and_asked_again)
{
    int fd;

    take_lines(3);
    place->kind->work(place);
    fd = accepted();
    acknowledge(fd);
    work_until_written(3);
    close(fd);
    if (_i == 0) /* it is seen at once, or when there are lines again */
        place->kind->work(place);
    take_lines(2);
    place->kind->work(place);
    fd = accepted();
    acknowledge(fd);
    work_until_written(5);
    close(fd);
    ck_assert_uint_eq(errors(), 0);
    ck_assert(!place->failing);
}
END_TEST

START_TEST(a_server_that_closes_without_an_answer_is_an_error)
{
    take_lines(3);
    place->kind->work(place);
    close(accepted());
    place->kind->work(place);
    ck_assert_uint_eq(errors(), 1);
    ck_assert(place->failing);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logforward");
    TCase *tcase = tcase_create("logforward");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_server_that_takes_half_a_message_and_no_more_is_left);
    tcase_add_loop_test(tcase, a_server_that_closes_an_idle_connection_is_no_error_and_asked_again, 0, 2);
    tcase_add_test(tcase, a_server_that_closes_without_an_answer_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
