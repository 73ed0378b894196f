#include "export/dogstatsd.h"

#include "../unit.h"
#include "base/mem.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/penstock-statsd-XXXXXX";
static char path[64];
static int agent = -1;
static struct dogstatsd *statsd;
static struct text heard;

static void listen_at(const char *where)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int room = 4 << 20;

    agent = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(agent, 0);
    setsockopt(agent, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", where);
    ck_assert_int_eq(bind(agent, (struct sockaddr *)&addr, sizeof addr), 0);
}

static void set_up(void)
{
    char *yaml;

    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/agent", folder);
    yaml = mem_printf("listeners: [ { address: '127.0.0.1:0' } ]\n"
                      "service: shop\nenv: prd\n"
                      "metrics: { dogstatsd: { address: 'unix:%s', tags: [ 'team:web' ] } }\n"
                      "targetGroups:\n"
                      "  old: { platform: ec2, version: '1', targets: [ '127.0.0.1:1' ] }\n"
                      "  new: { platform: fargate, env: prd-fargate, version: '2', tags: { a: 'x,y|z' },\n"
                      "         targets: [ '127.0.0.1:3' ] }\n"
                      "routes: [ { name: web, stable: old, canary: new } ]\n",
                      path);
    scene_init(yaml);
    free(yaml);
    statsd = dogstatsd_new();
    text_init(&heard, 1 << 20);
}

static void tear_down(void)
{
    dogstatsd_free(statsd);
    text_fini(&heard);
    scene_fini();
    if (agent >= 0)
        close(agent);
    agent = -1;
    unlink(path);
    rmdir(folder);
}

/* What one round has brought, each line with an end; none of the datagrams is longer than it may be. */
static const char *tell(void)
{
    char datagram[DOGSTATSD_UNIX_BYTES + 1];
    ssize_t len;

    heard.len = 0;
    text_add(&heard, "\n", 1);
    dogstatsd_tell(statsd, &view, 1);
    while ((len = recv(agent, datagram, sizeof datagram, 0)) >= 0) {
        ck_assert_int_le(len, DOGSTATSD_UNIX_BYTES);
        text_printf(&heard, "%.*s\n", (int)len, datagram);
    }
    return heard.p;
}

static void has(const char *line)
{
    char *whole = mem_printf("\n%s\n", line);

    ck_assert_msg(strstr(heard.p, whole) != NULL, "missing: %s in %s", line, heard.p);
    free(whole);
}

static bool mentions(const char *part)
{
    return strstr(heard.p, part) != NULL;
}

#define CANARY "route:web,group:new,platform:fargate,side:canary"
#define OF_NEW "service:shop,env:prd-fargate,version:2,a:x_y_z,team:web"

static struct shard_side *canary(void)
{
    return &shard_route(shards[0], 0)->side[ROUTE_CANARY];
}

START_TEST(a_counter_tells_what_it_has_grown_by)
{
    listen_at(path);
    cell_add(&canary()->ended[OUTCOME_SERVED][5], 7);
    tell();
    has("penstock.requests:7|c|#" CANARY ",outcome:served,code:5xx," OF_NEW);
    cell_add(&canary()->ended[OUTCOME_SERVED][5], 2);
    tell();
    has("penstock.requests:2|c|#" CANARY ",outcome:served,code:5xx," OF_NEW);
    tell();
    ck_assert(!mentions("penstock.requests:"));
}
END_TEST

START_TEST(each_group_has_its_own_env_and_version)
{
    listen_at(path);
    cell_add(&canary()->received, 1);
    cell_add(&shard_route(shards[0], 0)->side[ROUTE_STABLE].received, 1);
    tell();
    has("penstock.received_bytes:1|c|#" CANARY "," OF_NEW);
    has("penstock.received_bytes:1|c|#route:web,group:old,platform:ec2,side:stable,service:shop,env:prd,"
        "version:1,team:web");
}
END_TEST

START_TEST(gauges_are_told_as_they_are_and_not_when_unknown)
{
    listen_at(path);
    tell();
    has("penstock.route_weight_ratio:0.125|g|#route:web,service:shop,env:prd,team:web");
    ck_assert(!mentions("route_share_ratio"));
    ck_assert(!mentions("nan"));
}
END_TEST

/* 1000 answers of about 20 ms are one line that stands for 1000. */
START_TEST(durations_are_a_distribution_with_a_rate)
{
    const char *line;
    double value, rate;
    char *end;

    listen_at(path);
    cell_add(&canary()->latency[hist_bucket(20 * NS_PER_MS)], 1000);
    tell();
    line = strstr(heard.p, "\npenstock.request_duration_seconds:");
    ck_assert_ptr_nonnull(line);
    value = strtod(strchr(line, ':') + 1, &end);
    ck_assert(fabs(value - 0.02) < 0.0625 * 0.02);
    ck_assert_int_eq(strncmp(end, "|d|@", 4), 0);
    rate = strtod(end + 4, &end);
    ck_assert(fabs(1 / rate - 1000) < 1e-3);
    ck_assert_int_eq(strncmp(end, "|#" CANARY, strlen("|#" CANARY)), 0);
    ck_assert_ptr_null(strstr(line + 1, "\npenstock.request_duration_seconds:"));
    tell();
    ck_assert(!mentions("request_duration_seconds:"));
}
END_TEST

START_TEST(without_an_agent_it_is_lost_and_counted_and_later_it_is_found)
{
    dogstatsd_tell(statsd, &view, 1);
    ck_assert_uint_gt(dogstatsd_stats(statsd).lost, 0);
    ck_assert_uint_eq(dogstatsd_stats(statsd).messages, 0);
    listen_at(path);
    tell();
    has("penstock.ready:1|g|#service:shop,env:prd,team:web");
    ck_assert_uint_gt(dogstatsd_stats(statsd).messages, 0);
}
END_TEST

/* As after a reload that has given the route other cells. */
START_TEST(what_begins_at_nothing_again_is_told_as_new)
{
    struct shard_side *side = canary();
    size_t bucket = hist_bucket(20 * NS_PER_MS);

    listen_at(path);
    cell_add(&side->ended[OUTCOME_SERVED][5], 7);
    cell_add(&side->latency[bucket], 7);
    tell();
    cell_set(&side->ended[OUTCOME_SERVED][5], 2);
    cell_set(&side->latency[bucket], 1);
    tell();
    has("penstock.requests:2|c|#" CANARY ",outcome:served,code:5xx," OF_NEW);
    ck_assert(mentions("penstock.request_duration_seconds:"));
    ck_assert(!mentions("|d|@")); /* one answer */
}
END_TEST

/* Its queue fills up, then all is lost that does not fit; the reader finds whole datagrams. */
START_TEST(an_agent_that_does_not_read_loses_what_is_sent)
{
    listen_at(path);
    for (int i = 0; i < 2000 && dogstatsd_stats(statsd).lost == 0; i++)
        dogstatsd_tell(statsd, &view, 1);
    ck_assert_uint_gt(dogstatsd_stats(statsd).lost, 0);
    ck_assert_uint_gt(dogstatsd_stats(statsd).messages, 0);
    tell();
    tell();
    has("penstock.ready:1|g|#service:shop,env:prd,team:web");
}
END_TEST

START_TEST(it_is_due_when_its_interval_is_over)
{
    const struct config_dogstatsd *conf = &routes->config->dogstatsd;
    struct config_dogstatsd nowhere = {.interval_ns = NS_PER_S};

    listen_at(path);
    ck_assert(!dogstatsd_is_due(statsd, &nowhere, NS_PER_S));
    ck_assert(dogstatsd_is_due(statsd, conf, NS_PER_S));
    dogstatsd_tell(statsd, &view, NS_PER_S);
    ck_assert(!dogstatsd_is_due(statsd, conf, 10 * NS_PER_S));
    ck_assert(dogstatsd_is_due(statsd, conf, 11 * NS_PER_S));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("dogstatsd");
    TCase *tcase = tcase_create("dogstatsd");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_counter_tells_what_it_has_grown_by);
    tcase_add_test(tcase, each_group_has_its_own_env_and_version);
    tcase_add_test(tcase, gauges_are_told_as_they_are_and_not_when_unknown);
    tcase_add_test(tcase, durations_are_a_distribution_with_a_rate);
    tcase_add_test(tcase, what_begins_at_nothing_again_is_told_as_new);
    tcase_add_test(tcase, without_an_agent_it_is_lost_and_counted_and_later_it_is_found);
    tcase_add_test(tcase, an_agent_that_does_not_read_loses_what_is_sent);
    tcase_add_test(tcase, it_is_due_when_its_interval_is_over);
    suite_add_tcase(suite, tcase);
    return suite;
}
