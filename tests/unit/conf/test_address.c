#include "conf/address.h"

#include "problems.h"

#include <arpa/inet.h>

static const struct {
    const char *text;
    int family, port;
    const char *why; /* NULL: taken */
} cases[] = {
    {"10.0.1.10:3000", AF_INET, 3000, NULL},
    {"0.0.0.0:0", AF_INET, 0, NULL},
    {"127.0.0.1:65535", AF_INET, 65535, NULL},
    {"[::1]:80", AF_INET6, 80, NULL},
    {"[2001:db8::1]:443", AF_INET6, 443, NULL},
    {"[::ffff:10.0.0.1]:1", AF_INET6, 1, NULL},
    {"unix:/run/penstock/admin.sock", AF_UNIX, -1, NULL},
    {"", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {"10.0.0.1", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {":80", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {"10.0.0.1:65536", 0, 0,
     "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {"10.0.0.1:http", 0, 0,
     "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {"10.0.0.1:-1", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {"10.0.0.1: 80", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535"},
    {"10.0.0.300:80", 0, 0, "is no IPv4 address; write four numbers up to 255 with dots between"},
    {"10.1:80", 0, 0, "is no IPv4 address; write four numbers up to 255 with dots between"},
    {"::1:80", 0, 0, "is an IPv6 address without brackets; write [::1]:80"},
    {"[10.0.0.1]:80", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port"},
    {"[fe80::1%eth0]:80", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port"},
    {"http://a.example:80", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port"},
    {"a b:80", 0, 0, "is no address; write IP:port, [IPv6]:port or host:port"},
    {"unix:run/x", 0, 0, "needs an absolute path behind unix:, such as unix:/run/penstock/admin.sock"},
    {"unix:", 0, 0, "needs an absolute path behind unix:, such as unix:/run/penstock/admin.sock"},
};

START_TEST(addresses_are_taken_or_refused_with_the_remedy)
{
    struct config_address address = {0};
    char *why = NULL;
    bool ok = address_parse(str_from(cases[_i].text), false, &address, &why);

    if (cases[_i].why) {
        ck_assert(!ok);
        ck_assert_str_eq(why, cases[_i].why);
        ck_assert_ptr_null(address.text);
    } else {
        ck_assert(ok);
        ck_assert_int_eq(address.addr.any.sa_family, cases[_i].family);
        ck_assert_int_eq(address_port(&address), cases[_i].port);
        ck_assert_str_eq(address.text, cases[_i].text);
        ck_assert_int_gt((int)address.addr_len, 0);
    }
    free(address.text);
    free(why);
}
END_TEST

START_TEST(the_numbers_of_an_address_arrive_in_network_order)
{
    struct config_address address;
    char *why = NULL, text[INET6_ADDRSTRLEN];

    ck_assert(address_parse(STR("192.0.2.7:8080"), false, &address, &why));
    ck_assert_uint_eq(ntohl(address.addr.in.sin_addr.s_addr), 0xc0000207);
    ck_assert_uint_eq(address.addr_len, sizeof address.addr.in);
    free(address.text);
    ck_assert(address_parse(STR("[2001:db8::7]:8080"), false, &address, &why));
    inet_ntop(AF_INET6, &address.addr.in6.sin6_addr, text, sizeof text);
    ck_assert_str_eq(text, "2001:db8::7");
    free(address.text);
}
END_TEST

START_TEST(a_socket_path_that_is_too_long_is_refused)
{
    struct config_address address;
    char text[200] = "unix:/", *why = NULL;

    memset(text + 6, 'a', 107);
    ck_assert(!address_parse(str_from(text), false, &address, &why));
    ck_assert_str_eq(why, "has a path longer than 107 bytes");
    free(why);
    text[strlen(text) - 1] = '\0';
    ck_assert(address_parse(str_from(text), false, &address, &why));
    free(address.text);
}
END_TEST

START_TEST(offline_no_name_is_resolved)
{
    struct config_address address;
    char *why = NULL;

    ck_assert(address_parse(STR("no.such.host.invalid:80"), true, &address, &why));
    ck_assert_int_eq(address_port(&address), 80);
    free(address.text);
    ck_assert(address_parse(STR("10.0.0.1:80"), true, &address, &why));
    ck_assert_uint_eq(ntohl(address.addr.in.sin_addr.s_addr), 0x0a000001);
    free(address.text);
}
END_TEST

START_TEST(a_host_name_becomes_its_ipv4_address)
{
    struct config_address address;
    char *why = NULL;

    ck_assert(address_parse(STR("localhost:3000"), false, &address, &why)); /* /etc/hosts, no network */
    ck_assert_int_eq(address.addr.any.sa_family, AF_INET);
    ck_assert_uint_eq(ntohl(address.addr.in.sin_addr.s_addr), 0x7f000001);
    ck_assert_int_eq(address_port(&address), 3000);
    ck_assert_str_eq(address.text, "localhost:3000");
    free(address.text);
    ck_assert(!address_parse(STR("no.such.host.invalid:80"), false, &address, &why));
    ck_assert_int_eq(strncmp(why, "cannot be resolved: ", 20), 0);
    free(why);
}
END_TEST

START_TEST(equal_addresses_are_equal_whatever_their_spelling)
{
    struct config_address a, b;
    char *why = NULL;

    ck_assert(address_parse(STR("[::1]:80"), false, &a, &why));
    ck_assert(address_parse(STR("[0:0:0:0:0:0:0:1]:80"), false, &b, &why));
    ck_assert(address_eq(&a, &b));
    free(b.text);
    ck_assert(address_parse(STR("[::1]:81"), false, &b, &why));
    ck_assert(!address_eq(&a, &b));
    free(b.text);
    ck_assert(address_parse(STR("127.0.0.1:80"), false, &b, &why));
    ck_assert(!address_eq(&a, &b));
    free(b.text);
    b = (struct config_address){0};
    ck_assert(!address_eq(&b, &b)); /* never set */
    free(a.text);
}
END_TEST

START_TEST(local_is_what_no_other_machine_reaches)
{
    static const struct {
        const char *text;
        bool local;
    } places[] = {{"127.0.0.1:1", true}, {"127.9.9.9:1", true}, {"[::1]:1", true},    {"unix:/x", true},
                  {"0.0.0.0:1", false},  {"[::]:1", false},     {"10.0.0.1:1", false}};

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct config_address address;
        char *why = NULL;

        ck_assert(address_parse(str_from(places[i].text), false, &address, &why));
        ck_assert_int_eq(address_is_local(&address), places[i].local);
        free(address.text);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/address");
    TCase *tc = tcase_create("address");

    tcase_add_loop_test(tc, addresses_are_taken_or_refused_with_the_remedy, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, the_numbers_of_an_address_arrive_in_network_order);
    tcase_add_test(tc, a_socket_path_that_is_too_long_is_refused);
    tcase_add_test(tc, offline_no_name_is_resolved);
    tcase_add_test(tc, a_host_name_becomes_its_ipv4_address);
    tcase_add_test(tc, equal_addresses_are_equal_whatever_their_spelling);
    tcase_add_test(tc, local_is_what_no_other_machine_reaches);
    suite_add_tcase(suite, tc);
    return suite;
}
