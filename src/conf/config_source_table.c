/* What an entry of metricSources may have. */
#include "conf/config.h"
#include "conf/config_source.h"
#include "conf/config_table.h"
#include "conf/config_types.h"
#include "conf/types.h"

static const struct word kind_words[] = {
    [CONFIG_SOURCE_PROMETHEUS] = {"prometheus", "the HTTP API of Prometheus, which Thanos, Mimir and "
                                                "VictoriaMetrics speak too"},
};
static const struct word_table kind_table = {kind_words, ARRAY_LEN(kind_words)};

static const struct setting source_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(config_source, name),
     .required = true,
     .example = "prometheus",
     .text = "What plans, the log, the status and the metrics call it."},
    {.key = "type",
     .shown = true,
     .type = &type_word,
     FIELD(config_source, kind),
     .words = &kind_table,
     .fallback = "prometheus",
     .text = "How it is asked."},
    {.key = "url",
     .shown = true,
     .type = &type_string,
     FIELD(config_source, url),
     .example = "http://127.0.0.1:9090",
     .text = "Where it is asked; the path of its API follows."},
    {.key = "user",
     .type = &type_string,
     FIELD(config_source, user),
     .max = 256,
     .example = "penstock",
     .text = "For basic authentication."},
    {.key = "password",
     .type = &type_secret,
     FIELD(config_source, password),
     .example = "file:prometheus.password",
     .text = "With it."},
    {.key = "token",
     .type = &type_secret,
     FIELD(config_source, token),
     .example = "file:prometheus.token",
     .text = "Is sent as a bearer token. A file is read when the configuration is loaded."},
    {.key = "caFile",
     .type = &type_path,
     FIELD(config_source, ca_file),
     .inherits = "the system's authorities",
     .example = "tls/prometheus-ca.pem",
     .text = "The authorities that are trusted, in PEM."},
    {.key = "timeout",
     .type = &type_duration,
     FIELD(config_source, timeout_ns),
     .min = S / 10,
     .max = 60 * S,
     .fallback = "10s",
     .text = "For the whole of a query. An answer that comes later is no data."},
};
const struct section config_source_section = {
    SECTION(source_rows),
    .size = sizeof(struct config_source),
    .check = config_check_source,
    .text =
        "A query is asked while a rollout follows a plan that has it, by a thread of its own: nothing else "
        "waits for it. Redirects are not followed.",
};
