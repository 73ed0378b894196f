#include "conf/config.h"
#include "conf/config_synthetic.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

static const struct word trust_words[] = {
    [CONFIG_SYNTHETIC_EVERYBODY] = {"everybody", "of every client"},
    [CONFIG_SYNTHETIC_LISTED] = {"listed", "of clients in the networks of trusted"},
    [CONFIG_SYNTHETIC_NOBODY] = {"nobody", "of nobody: no request is synthetic"},
};
static const struct word_table trust_table = {trust_words, ARRAY_LEN(trust_words)};

static const struct setting network_row = {
    .key = "trusted", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct setting agent_row = {
    .key = "userAgents",
    .type = &type_string,
    .width = sizeof(char *),
    .max = CONFIG_NAME_MAX,
    .text = "The beginning of a word.",
};

static const struct setting header_rows[] = {
    {.key = "name",
     .type = &type_token,
     FIELD(config_synthetic_header, name),
     .max = CONFIG_NAME_MAX,
     .required = true,
     .example = "X-Load-Test",
     .text = "A field of the request."},
    {.key = "prefix",
     .type = &type_string,
     FIELD(config_synthetic_header, prefix),
     .max = CONFIG_NAME_MAX,
     .example = "synthetics",
     .text = "What its value begins with; without it any value does."},
};
static const struct section header_section = {
    SECTION(header_rows),
    .size = sizeof(struct config_synthetic_header),
    .shorthand = "name",
};
static const struct setting header_row = {
    .key = "headers",
    .type = &schema_map,
    .section = &header_section,
    .text = "A field, as a map or its name alone.",
};

#define TRUST_TEXT                                                                                           \
    "Whose word counts. Anybody can say of a request that it is synthetic, and takes with it nothing but "   \
    "this one request from the judge, as if it had not been sent: it cannot hide what others got."
#define TRUSTED_TEXT                                                                                         \
    "The networks of those clients. The client is the one of the access log: behind proxies of "             \
    "forwarded.trusted it is who they say it is."
#define AGENTS_TEXT                                                                                          \
    "A request is synthetic when a word of its User-Agent begins with one of these; letter case counts. "    \
    "[] for none."
#define AGENTS_DEFAULT                                                                                       \
    "[Amazon-Route53-Health-Check-Service, ELB-HealthChecker, kube-probe, CloudWatchSynthetics, "            \
    "Datadog/Synthetics, DatadogSynthetics, Pingdom, UptimeRobot, GoogleHC, GoogleStackdriverMonitoring]"
#define HEADERS_TEXT    "Or when it has one of these fields. [] for none."
#define HEADERS_DEFAULT "[{name: X-Datadog-Origin, prefix: synthetics}]"

/* `from` is the kind of the defaults: fallback or inherits. */
#define LIST_ROWS(type_, from, agents_default, headers_default)                                              \
    {.key = "trusted",                                                                                       \
     .type = &schema_list,                                                                                   \
     LIST(type_, synthetic.trusted),                                                                         \
     .max = 64,                                                                                              \
     .item = &network_row,                                                                                   \
     .example = "[10.0.0.0/8]",                                                                              \
     .text = TRUSTED_TEXT},                                                                                  \
        {.key = "userAgents",                                                                                \
         .type = &schema_list,                                                                               \
         LIST(type_, synthetic.agents),                                                                      \
         .max = CONFIG_SYNTHETIC_MAX,                                                                        \
         .item = &agent_row,                                                                                 \
         .from = agents_default,                                                                             \
         .example = "[kube-probe, k6]",                                                                      \
         .text = AGENTS_TEXT},                                                                               \
    {                                                                                                        \
        .key = "headers", .type = &schema_list, LIST(type_, synthetic.headers), .max = CONFIG_SYNTHETIC_MAX, \
        .item = &header_row, .from = headers_default, .example = "[X-Load-Test]", .text = HEADERS_TEXT,      \
    }

static const struct setting synthetic_rows[] = {
    {.key = "trust",
     .type = &type_word,
     FIELD(config, synthetic.trust),
     .words = &trust_table,
     .fallback = "everybody",
     .example = "listed",
     .text = TRUST_TEXT},
    LIST_ROWS(config, fallback, AGENTS_DEFAULT, HEADERS_DEFAULT),
};
const struct section config_synthetic_section = {
    SECTION(synthetic_rows),
    .check = config_check_synthetic_map,
    .text = "Such a request is served by the weight like any other, counted in the metrics and marked in the "
            "access log and in its span (user_agent.synthetic.type). But no judge sees it: it is neither "
            "evidence against the canary nor a reason to go forward, so that where all requests are "
            "synthetic a rollout holds. penstock_synthetic_requests says how many there are.",
};

static const struct setting route_synthetic_rows[] = {
    {.key = "trust",
     .type = &type_word,
     FIELD(config_route, synthetic.trust),
     .words = &trust_table,
     .inherits = "synthetic.trust",
     .example = "listed",
     .text = "Whose word counts."},
    LIST_ROWS(config_route, inherits, "synthetic.userAgents", "synthetic.headers"),
};
const struct section config_route_synthetic_section = {
    SECTION(route_synthetic_rows),
    .check = config_check_route_synthetic_map,
};
