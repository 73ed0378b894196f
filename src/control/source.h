/*
 * How the sources of external metrics are asked, and what their answers mean: one number, or why there is
 * none. The kinds stand in files of their own (source_NAME.c).
 *
 * Thread: any; pure.
 */
#ifndef CONTROL_SOURCE_H
#define CONTROL_SOURCE_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"
#include "decide/external.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SOURCE_CONTENT_MAX = 1 << 20, /* bytes of an answer */
    SOURCE_HEADERS_MAX = 6,
    SOURCE_TEXT_MAX = 64 * 1024, /* bytes of an address or a query */
};

/* A query, before it is a request. */
struct source_query {
    const char *text;  /* without variables; borrowed */
    const char *token; /* the bearer token as it is now; NULL: none; borrowed */
    int64_t interval_ns;
    int64_t wall_ns; /* now */
};

/* A request. Its texts are its own; a header that is not there is NULL. */
struct source_request {
    const char *method;
    char *url, *body; /* body NULL: none */
    char *headers[SOURCE_HEADERS_MAX];
};

/* Makes the request of a query. False when it cannot be asked so, with the reason; then nothing has to be
 * freed. */
MUST_CHECK bool source_compose(const struct config_source *source, const struct source_query *query,
                               struct source_request *request_r, char why[static EXTERNAL_WHY_MAX]);
void source_request_fini(struct source_request *request);

/* The number in an answer of that status. False when it has none, with the reason. */
MUST_CHECK bool source_read(const struct config_source *source, unsigned status, struct str content,
                            double *value_r, char why[static EXTERNAL_WHY_MAX]);

/* ---- for the kinds ---- */

void source_compose_datadog(const struct config_source *source, const struct source_query *query,
                            struct source_request *request);
bool source_compose_cloudwatch(const struct config_source *source, const struct source_query *query,
                               struct source_request *request, char why[static EXTERNAL_WHY_MAX]);
void source_compose_prometheus(const struct config_source *source, const struct source_query *query,
                               struct source_request *request);
/* `json` is the content, an object; NULL when it is none. */
bool source_read_datadog(unsigned status, const json_t *json, double *value_r,
                         char why[static EXTERNAL_WHY_MAX]);
bool source_read_cloudwatch(unsigned status, const json_t *json, double *value_r,
                            char why[static EXTERNAL_WHY_MAX]);
bool source_read_prometheus(unsigned status, const json_t *json, double *value_r,
                            char why[static EXTERNAL_WHY_MAX]);

/* Takes the next free header. */
void source_header(struct source_request *request, const char *name, const char *value);
/* What others say, cut to `size` bytes with NUL, its bytes that are no printable ASCII as blanks: a reason
 * stands in JSON, in logs and on terminals. `says` NULL: nothing. */
void source_plain(const char *says, char *out, size_t size);
/* "status 503", with what the answer says in JSON under that key. Always false. */
bool source_refuse(unsigned status, const char *says, char why[static EXTERNAL_WHY_MAX]);
/* A number as text. Not finite, or no number: false with the reason. */
bool source_number(const char *text, double *value_r, char why[static EXTERNAL_WHY_MAX]);
/* The same of one that is a JSON number. */
bool source_finite(double value, double *value_r, char why[static EXTERNAL_WHY_MAX]);

#endif
