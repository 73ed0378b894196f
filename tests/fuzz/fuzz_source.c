/*
 * An answer of a metric source: the first byte says of which kind it is, the second its status. It is a
 * finite number, or a reason that may stand in a log. The rest of it is a query too, as a plan might have it:
 * it is asked, or there is a reason.
 */
#include "base/bug.h"
#include "base/clk.h"
#include "base/mem.h"
#include "control/source.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_MAX = 8192 };

static const enum config_source_kind kinds[] = {CONFIG_SOURCE_PROMETHEUS, CONFIG_SOURCE_CLOUDWATCH,
                                                CONFIG_SOURCE_DATADOG};
static const unsigned statuses[] = {200, 204, 400, 503};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reason(const char *why)
{
    BUG_ON(!why[0] || !memchr(why, '\0', EXTERNAL_WHY_MAX));
    for (; *why; why++)
        BUG_ON(*why < ' ' || *why > '~');
}

static void read_answer(const struct config_source *source, unsigned status, struct str content)
{
    char why[EXTERNAL_WHY_MAX];
    double value;

    if (!source_read(source, status, content, &value, why))
        check_reason(why);
    else
        BUG_ON(why[0] || !isfinite(value) || status != 200);
}

static void compose_query(const struct config_source *source, struct str text)
{
    char *copy = mem_alloc(text.len + 1);
    struct source_query query = {
        .text = copy, .interval_ns = 90 * NS_PER_S, .wall_ns = 1700000000 * NS_PER_S};
    struct source_request request;
    char why[EXTERNAL_WHY_MAX];

    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    if (source_compose(source, &query, &request, why)) {
        BUG_ON(!request.url || strpbrk(request.url, " \r\n\"") ||
               (!strcmp(request.method, "POST") != !!request.body));
        source_request_fini(&request);
    } else {
        check_reason(why);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char url[] = "http://h", key[] = "k";
    struct config_source source = {.url = url,
                                   .api_key = key,
                                   .application_key = key,
                                   .lookback_ns = 600 * NS_PER_S,
                                   .timeout_ns = NS_PER_S};

    if (size < 2)
        return 0;
    source.kind = kinds[data[0] % ARRAY_LEN(kinds)];
    read_answer(&source, statuses[data[1] % ARRAY_LEN(statuses)],
                (struct str){(const char *)data + 2, size - 2});
    if (size - 2 < QUERY_MAX)
        compose_query(&source, (struct str){(const char *)data + 2, size - 2});
    return 0;
}
