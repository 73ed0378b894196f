#include "proxy/synthetic.h"

#include "conf/config_synthetic.h"
#include "head.h"

#include <stdio.h>

#define CHROME                                                                                               \
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"

static char monitor[] = "Monitor/", probe[] = "kube-probe", pingdom[] = "Pingdom";
static char load_test[] = "X-Load-Test", origin[] = "X-Datadog-Origin", synthetics[] = "synthetics";
static char *agents[] = {monitor, probe, pingdom};
static struct config_synthetic_header headers[] = {{load_test, NULL}, {origin, synthetics}};

static bool is(const struct config_synthetic *conf, const char *lines, const char *client)
{
    struct field fields[16];
    struct head head;
    char text[1024];

    snprintf(text, sizeof text, HEAD_GET "%s\r\n", lines);
    head_of(&head, fields, ARRAY_LEN(fields), text);
    return synthetic_is(conf, &head, str_from(client));
}

static struct config_synthetic all(void)
{
    struct config_synthetic conf = {.agents = agents,
                                    .agents_len = ARRAY_LEN(agents),
                                    .headers = headers,
                                    .headers_len = ARRAY_LEN(headers)};

    config_synthetic_note(&conf);
    return conf;
}

START_TEST(a_word_of_the_user_agent_or_a_field_says_so)
{
    static const struct {
        const char *lines;
        bool synthetic;
    } cases[] = {
        {"", false},
        {"User-Agent: \r\n", false},
        {"User-Agent: " CHROME "\r\n", false},
        {"User-Agent: Monitor/1.0\r\n", true},
        {"user-agent: kube-probe/1.27\r\n", true},
        {"User-Agent: " CHROME " Monitor/2\r\n", true},
        {"User-Agent: Mozilla/5.0 (Unknown; Linux) PingdomTMS/0.8.5 Safari/534.34\r\n", true},
        {"User-Agent: Monitor\r\n", false}, /* cut */
        {"User-Agent: MyMonitor/1\r\n", false},
        {"User-Agent: monitor/1\r\n", false},
        {"X-Load-Test:\r\n", true},
        {"x-load-test: k6\r\n", true},
        {"X-Load-Tests: k6\r\n", false},
        {"X-Datadog-Origin: synthetics-browser\r\n", true},
        {"X-Datadog-Origin: rum\r\n", false},
        {"X-Datadog-Origin: rum\r\nx-datadog-origin: synthetics\r\n", true},
        {"X-Datadog-Origin: synthetic\r\n", false},
    };
    const struct config_synthetic conf = all();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(is(&conf, cases[i].lines, "192.0.2.1") == cases[i].synthetic, "%s", cases[i].lines);
}
END_TEST

START_TEST(without_signs_no_request_is_synthetic)
{
    const struct config_synthetic conf = {0};

    ck_assert(!is(&conf, "User-Agent: Monitor/1\r\nX-Load-Test: 1\r\n", "192.0.2.1"));
}
END_TEST

START_TEST(whose_word_counts_is_the_configurations)
{
    struct config_synthetic conf = all();
    struct ip_net office;

    ck_assert(ip_net_parse(STR("192.0.2.0/24"), &office));
    conf.trusted = &office;
    conf.trusted_len = 1;
    conf.trust = CONFIG_SYNTHETIC_LISTED;
    ck_assert(is(&conf, "X-Load-Test: 1\r\n", "192.0.2.7"));
    ck_assert(!is(&conf, "", "192.0.2.7"));
    ck_assert(!is(&conf, "X-Load-Test: 1\r\n", "198.51.100.7"));
    ck_assert(!is(&conf, "X-Load-Test: 1\r\n", ""));
    ck_assert(!is(&conf, "X-Load-Test: 1\r\n", "unix"));
    conf.trust = CONFIG_SYNTHETIC_NOBODY;
    ck_assert(!is(&conf, "X-Load-Test: 1\r\n", "192.0.2.7"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("synthetic");
    TCase *tc = tcase_create("synthetic");

    tcase_add_test(tc, a_word_of_the_user_agent_or_a_field_says_so);
    tcase_add_test(tc, without_signs_no_request_is_synthetic);
    tcase_add_test(tc, whose_word_counts_is_the_configurations);
    suite_add_tcase(suite, tc);
    return suite;
}
