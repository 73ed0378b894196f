#include "net/listen.h"

#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct config_address address_of(uint32_t ip, uint16_t port)
{
    static char text[] = "127.0.0.1:port";
    struct config_address address = {.text = text, .addr_len = sizeof(struct sockaddr_in)};

    address.addr.in =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(port)};
    return address;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in bound;
    socklen_t len = sizeof bound;

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&bound, &len), 0);
    return ntohs(bound.sin_port);
}

static unsigned descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

START_TEST(all_workers_share_the_port_that_the_kernel_gave)
{
    struct config_address address = address_of(INADDR_LOOPBACK, 0);
    char why[200], text[LISTEN_TEXT_LEN], expected[64];
    int fds[4];

    ck_assert(listen_open(&address, 4, fds, why, sizeof why));
    ck_assert_uint_ne(port_of(fds[0]), 0);
    for (size_t i = 0; i < 4; i++) {
        int listening = 0;
        socklen_t len = sizeof listening;

        ck_assert_uint_eq(port_of(fds[i]), port_of(fds[0]));
        ck_assert_int_eq(getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &listening, &len), 0);
        ck_assert(listening);
        ck_assert(accept(fds[i], NULL, NULL) < 0 && errno == EAGAIN);
    }
    listen_text(fds[2], text);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", port_of(fds[0]));
    ck_assert_str_eq(text, expected);
    for (size_t i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

START_TEST(a_port_that_is_in_use_is_an_error_that_names_it)
{
    struct config_address address = address_of(INADDR_LOOPBACK, 0);
    unsigned before;
    char why[200];
    int fds[2], more[2];

    ck_assert(listen_open(&address, 2, fds, why, sizeof why));
    address = address_of(INADDR_LOOPBACK, port_of(fds[0]));
    before = descriptors();
    ck_assert(!listen_open(&address, 2, more, why, sizeof why));
    ck_assert_str_eq(why, "cannot listen on 127.0.0.1:port: Address already in use");
    ck_assert_uint_eq(descriptors(), before);
    close(fds[0]);
    close(fds[1]);
    ck_assert(listen_open(&address, 2, more, why, sizeof why));
    close(more[0]);
    close(more[1]);
}
END_TEST

START_TEST(an_address_that_is_not_ours_is_an_error_and_leaves_nothing_open)
{
    struct config_address address = address_of(0xc0000201 /* 192.0.2.1 */, 0);
    unsigned before = descriptors();
    char why[200];
    int fds[2];

    ck_assert(!listen_open(&address, 2, fds, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "cannot listen on 127.0.0.1:port: "));
    ck_assert_uint_eq(descriptors(), before);
}
END_TEST

START_TEST(addresses_are_written_as_people_write_them)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x.sock"};
    struct sockaddr other = {.sa_family = AF_UNSPEC};
    char text[LISTEN_TEXT_LEN];
    struct ip ip;

    in.sin_addr.s_addr = htonl(0x0a000102);
    listen_addr_text((struct sockaddr *)&in, true, text);
    ck_assert_str_eq(text, "10.0.1.2:80");
    listen_addr_text((struct sockaddr *)&in, false, text);
    ck_assert_str_eq(text, "10.0.1.2");
    listen_addr_text((struct sockaddr *)&in6, true, text);
    ck_assert_str_eq(text, "[::1]:443");
    listen_addr_text((struct sockaddr *)&in6, false, text);
    ck_assert_str_eq(text, "::1");
    listen_addr_text((struct sockaddr *)&un, true, text);
    ck_assert_str_eq(text, "unix:/run/x.sock");
    listen_addr_text(&other, true, text);
    ck_assert_str_eq(text, "?");
    ck_assert(listen_addr_ip((struct sockaddr *)&in, &ip));
    ip_text(&ip, text);
    ck_assert_str_eq(text, "10.0.1.2");
    ck_assert(listen_addr_ip((struct sockaddr *)&in6, &ip));
    ip_text(&ip, text);
    ck_assert_str_eq(text, "::1");
    ck_assert(!listen_addr_ip((struct sockaddr *)&un, &ip));
}
END_TEST

START_TEST(what_is_accepted_sends_small_messages_at_once)
{
    struct config_address address = address_of(INADDR_LOOPBACK, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0), fd, accepted, no_delay = 0;
    socklen_t len = sizeof no_delay;
    char why[200];

    ck_assert(listen_open(&address, 1, &fd, why, sizeof why));
    address.addr.in.sin_port = htons(port_of(fd));
    ck_assert_int_eq(connect(client, &address.addr.any, address.addr_len), 0);
    accepted = accept(fd, NULL, NULL);
    ck_assert_int_eq(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &no_delay, &len), 0);
    ck_assert(no_delay);
    close(fd);
    close(accepted);
    close(client);
}
END_TEST

START_TEST(a_deafened_socket_lets_in_who_was_there_and_nobody_else)
{
    struct config_address address = address_of(INADDR_LOOPBACK, 0);
    int early = socket(AF_INET, SOCK_STREAM, 0), late = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char why[200], byte = 0;
    int fd, accepted;

    ck_assert(listen_open(&address, 1, &fd, why, sizeof why));
    address.addr.in.sin_port = htons(port_of(fd));
    ck_assert_int_eq(connect(early, &address.addr.any, address.addr_len), 0);
    listen_deafen(fd);
    ck_assert(connect(late, &address.addr.any, address.addr_len) < 0 && errno == EINPROGRESS);
    accepted = accept(fd, NULL, NULL);
    ck_assert_int_ge(accepted, 0);
    ck_assert_int_eq(send(early, "x", 1, 0), 1);
    ck_assert_int_eq(recv(accepted, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'x');
    ck_assert_int_eq(poll(&(struct pollfd){.fd = late, .events = POLLOUT}, 1, 50), 0);
    ck_assert(accept(fd, NULL, NULL) < 0 && errno == EAGAIN);
    close(fd);
    close(accepted);
    close(early);
    close(late);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("listen");
    TCase *tc = tcase_create("listen");

    tcase_add_test(tc, all_workers_share_the_port_that_the_kernel_gave);
    tcase_add_test(tc, a_port_that_is_in_use_is_an_error_that_names_it);
    tcase_add_test(tc, an_address_that_is_not_ours_is_an_error_and_leaves_nothing_open);
    tcase_add_test(tc, addresses_are_written_as_people_write_them);
    tcase_add_test(tc, what_is_accepted_sends_small_messages_at_once);
    tcase_add_test(tc, a_deafened_socket_lets_in_who_was_there_and_nobody_else);
    suite_add_tcase(suite, tc);
    return suite;
}
