#include "base/ip.h"

#include "../unit.h"

static struct ip ip_from(const char *text)
{
    struct ip ip;

    ck_assert_msg(ip_parse(str_from(text), &ip), "%s", text);
    return ip;
}

START_TEST(addresses_are_read_and_written)
{
    static const char *const same[] = {"10.0.0.1", "255.255.255.255", "::1", "2001:db8::1", "::", "0.0.0.0"};
    static const char *const wrong[] = {
        "",         "10.0.0", "10.0.0.256", "10.0.0.1 ",  " 10.0.0.1", "10.0.0.1:80", "[::1]",
        "::1%eth0", "a",      "1",          "10.0.0.1/8", "01.2.3.4",  ":::",         "1:2:3:4:5:6:7:8:9"};
    char text[IP_TEXT_LEN];
    struct ip ip;

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        ip = ip_from(same[i]);
        ck_assert_uint_eq(ip_text(&ip, text), strlen(same[i]));
        ck_assert_str_eq(text, same[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!ip_parse(str_from(wrong[i]), &ip), "%s", wrong[i]);
    ck_assert(!ip_parse(STR("10.0.0.1\0"), &ip));
}
END_TEST

START_TEST(both_forms_of_an_ipv4_address_are_one)
{
    struct ip a = ip_from("10.0.0.1"), b = ip_from("::ffff:10.0.0.1"), c;
    char text[IP_TEXT_LEN];

    ck_assert(memcmp(&a, &b, sizeof a) == 0);
    ip_text(&b, text);
    ck_assert_str_eq(text, "10.0.0.1");
    ip_set_v4(&c, (const uint8_t[]){10, 0, 0, 1});
    ck_assert(memcmp(&a, &c, sizeof a) == 0);
}
END_TEST

START_TEST(nodes_may_have_ports_and_brackets)
{
    static const char *const v4[] = {"10.0.0.1", "10.0.0.1:80", "10.0.0.1:0", "10.0.0.1:65535"};
    static const char *const v6[] = {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443"};
    static const char *const wrong[] = {
        "",           "unknown",    "_hidden",      "10.0.0.1:",      "10.0.0.1:65536",
        "10.0.0.1:x", "[10.0.0.1]", "[2001:db8::1", "[2001:db8::1]x", "[]",
        "[",          "]:80",       ":80",          "[2001:db8::1]:", "\"10.0.0.1\""};
    struct ip ip, want = ip_from("10.0.0.1");

    for (size_t i = 0; i < ARRAY_LEN(v4); i++)
        ck_assert_msg(ip_parse_node(str_from(v4[i]), &ip) && memcmp(&ip, &want, sizeof ip) == 0, "%s", v4[i]);
    want = ip_from("2001:db8::1");
    for (size_t i = 0; i < ARRAY_LEN(v6); i++)
        ck_assert_msg(ip_parse_node(str_from(v6[i]), &ip) && memcmp(&ip, &want, sizeof ip) == 0, "%s", v6[i]);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!ip_parse_node(str_from(wrong[i]), &ip), "%s", wrong[i]);
}
END_TEST

START_TEST(a_network_has_the_addresses_that_share_its_bits)
{
    static const struct {
        const char *net, *in, *out;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
        {"10.0.0.1", "10.0.0.1", "10.0.0.2"},
        {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
        {"0.0.0.0/0", "1.2.3.4", "2001:db8::1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"::/0", "2001:db8::1", NULL},
        {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
        {"fe80::/10", "febf::1", "fec0::1"},
        {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
    };
    static const char *const wrong[] = {
        "10.0.0.1/8",   "10.0.0.0/33",    "10.0.0.0/",      "/8",         "", "10.0.0.0/-1",
        "10.0.0.0/8/8", "2001:db8::1/32", "2001:db8::/129", "example.com"};
    struct ip_net net;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ip ip = ip_from(cases[i].in);

        ck_assert_msg(ip_net_parse(str_from(cases[i].net), &net), "%s", cases[i].net);
        ck_assert_msg(ip_net_has(&net, &ip), "%s in %s", cases[i].in, cases[i].net);
        if (!cases[i].out)
            continue;
        ip = ip_from(cases[i].out);
        ck_assert_msg(!ip_net_has(&net, &ip), "%s in %s", cases[i].out, cases[i].net);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!ip_net_parse(str_from(wrong[i]), &net), "%s", wrong[i]);
}
END_TEST

START_TEST(networks_have_what_one_of_them_has)
{
    static const char *const in[] = {"10.1.2.3", "2001:db8::9"}, *const out[] = {"11.0.0.1", "2001:db9::"};
    struct ip_net nets[2];

    ck_assert(ip_net_parse(STR("10.0.0.0/8"), &nets[0]) && ip_net_parse(STR("2001:db8::/32"), &nets[1]));
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        struct ip ours = ip_from(in[i]), other = ip_from(out[i]);

        ck_assert(ip_nets_have(nets, ARRAY_LEN(nets), &ours));
        ck_assert(ip_nets_have(&nets[i], 1, &ours) && !ip_nets_have(&nets[1 - i], 1, &ours));
        ck_assert(!ip_nets_have(nets, ARRAY_LEN(nets), &other));
        ck_assert(!ip_nets_have(NULL, 0, &ours));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("ip");
    TCase *tc = tcase_create("ip");

    tcase_add_test(tc, addresses_are_read_and_written);
    tcase_add_test(tc, both_forms_of_an_ipv4_address_are_one);
    tcase_add_test(tc, nodes_may_have_ports_and_brackets);
    tcase_add_test(tc, a_network_has_the_addresses_that_share_its_bits);
    tcase_add_test(tc, networks_have_what_one_of_them_has);
    suite_add_tcase(suite, tc);
    return suite;
}
