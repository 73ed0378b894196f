#include "conf/config.h"
#include "conf/config_check.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

static const struct word format_words[] = {
#define TRACEFORMAT(id, name, text) [TRACEFORMAT_##id] = {name, text},
#include "proto/traceformat.def"
#undef TRACEFORMAT
};
static const struct word_table format_table = {format_words, ARRAY_LEN(format_words)};

static const struct word trust_words[] = {
    [CONFIG_TRACING_LISTED] = {"listed", "of clients in the networks of trusted"},
    [CONFIG_TRACING_EVERYBODY] = {"everybody", "of every client"},
    [CONFIG_TRACING_NOBODY] = {"nobody", "of nobody: each request begins a trace"},
};
static const struct word_table trust_table = {trust_words, ARRAY_LEN(trust_words)};

static const struct setting network_row = {
    .key = "trusted", .type = &type_network, .width = sizeof(struct ip_net), .text = "A network."};
static const struct setting read_row = {.key = "read",
                                        .type = &type_word,
                                        .width = sizeof(enum traceformat),
                                        .words = &format_table,
                                        .text = "A format."};
static const struct setting send_row = {.key = "send",
                                        .type = &type_word,
                                        .width = sizeof(enum traceformat),
                                        .words = &format_table,
                                        .text = "A format."};

static const struct setting tracing_rows[] = {
    {.key = "trust",
     .type = &type_word,
     FIELD(config, tracing.trust),
     .words = &trust_table,
     .fallback = "listed",
     .text = "Whose trace context is believed and continued. That of others is taken away, baggage with it, "
             "and a trace begins here."},
    {.key = "trusted",
     .type = &schema_list,
     LIST(config, tracing.trusted),
     .max = 64,
     .item = &network_row,
     .example = "[10.0.0.0/8]",
     .text = "The networks of those clients. The client is the one of the access log: behind proxies of "
             "forwarded.trusted it is who they say it is, since many of them pass on what they are sent."},
    {.key = "read",
     .type = &schema_list,
     LIST_INSIDE(config, tracing.read),
     .min = 1,
     .max = TRACEFORMAT_LEN,
     .item = &read_row,
     .inherits = "[tracecontext, datadog, xray, b3, b3multi]",
     .example = "[datadog, tracecontext]",
     .text = "The formats that are believed, in the order of trust: the first that a request has whole "
             "counts."},
    {.key = "send",
     .type = &schema_list,
     LIST_INSIDE(config, tracing.send),
     .min = 1,
     .max = TRACEFORMAT_LEN,
     .item = &send_row,
     .inherits = "[tracecontext]",
     .example = "[tracecontext, datadog]",
     .text = "The formats that targets always get. Those in which a believed request came are continued "
             "too, so that no two fields of it tell of different traces."},
    {.key = "sample",
     .type = &type_percent,
     FIELD(config, tracing.sample),
     .min = 0,
     .max = CONFIG_WEIGHT_ONE,
     .fallback = "1",
     .text = "Percent of the traces that begin here which are recorded, drawn by the trace id. Whether one "
             "that is continued is recorded was decided by who began it."},
};
const struct section config_tracing_section = {
    SECTION(tracing_rows),
    .check = config_check_tracing,
    .text = "The access log has the trace and our span of each request, with one for each try, which is what "
            "its target is told; accessLog: otlp sends them to a collector, xray to the daemon of X-Ray. "
            "Without this key a traceparent is "
            "passed on as it is, and all else that clients say of traces too.",
};
