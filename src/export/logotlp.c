#include "export/logotlp.h"

#include "base/clk.h"
#include "base/mem.h"
#include "config.h"
#include "export/logspans.h"
#include "export/otlp.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 512 * 1024,
    BATCHES_MAX = 8, /* that wait for a collector */
    IDLE_MS = 1000,
    BACKOFF_MAX_S = 30,
    WHY_LEN = 320,
};

static const struct str body_begins = {"{\"resourceSpans\":[", 18};

/* A body, without the brackets that end it while it is filled. */
struct batch {
    struct batch *next;
    uint32_t lines;
    size_t len;
    char bytes[BATCH_BYTES];
};

struct logotlp {
    struct logplace place;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    int64_t interval_ns, timeout_ns;
    char error[CURL_ERROR_SIZE];
    struct batch *open; /* being filled, or NULL */
    int64_t open_ns;    /* since when */
    char resource[OTLP_RESOURCE_MAX];
    size_t resource_len;           /* of the spans that were added last; 0: a new batch */
    struct batch *first, **behind; /* those that wait */
    unsigned waiting;
    unsigned failures; /* in a row */
    int64_t next_ns;   /* not to be asked before */
    char *block;       /* for the spans of one line, OTLP_SPANS_MAX */
    struct logspans spans;
};

/* ---- batches ---- */

#define SCOPE                                                                                                \
    "\"scopeSpans\":[{\"scope\":{\"name\":\"penstock\",\"version\":\"" PACKAGE_VERSION "\"},\"spans\":["
static const struct str scope = {SCOPE, sizeof SCOPE - 1};
static const struct str scope_ends = {"]}]}", 4};
static const struct str body_ends = {"]}", 2};

enum { ENDS_LEN = 64 }; /* what closes a body, and a resource before the next one begins */

static void close_batch(struct logotlp *otlp)
{
    struct batch *batch = otlp->open;
    struct buf body;

    if (!batch)
        return;
    buf_init(&body, batch->bytes, sizeof batch->bytes);
    body.len = batch->len;
    buf_str_add(&body, scope_ends);
    buf_str_add(&body, body_ends);
    BUG_ON(body.full);
    batch->len = body.len;
    *otlp->behind = batch;
    otlp->behind = &batch->next;
    otlp->waiting++;
    otlp->open = NULL;
}

/* A batch with room for the spans of one more line; NULL when too many wait. */
static struct batch *batch_for(struct logotlp *otlp, size_t len)
{
    if (otlp->open &&
        sizeof otlp->open->bytes - otlp->open->len < len + OTLP_RESOURCE_MAX + scope.len + ENDS_LEN)
        close_batch(otlp);
    if (otlp->open)
        return otlp->open;
    if (otlp->waiting >= BATCHES_MAX)
        return NULL;
    otlp->open = mem_alloc(sizeof *otlp->open);
    otlp->open->next = NULL;
    otlp->open->lines = 0;
    otlp->open->len = 0;
    otlp->open_ns = clk_mono_ns();
    otlp->resource_len = 0;
    return otlp->open;
}

/* Adds the spans of a line under those of its service. */
static void append(struct logotlp *otlp, struct batch *batch, struct str resource, struct str spans)
{
    struct str before = {otlp->resource, otlp->resource_len};
    struct buf body;

    buf_init(&body, batch->bytes, sizeof batch->bytes);
    body.len = batch->len;
    if (before.len && str_eq(before, resource)) {
        buf_char(&body, ',');
    } else {
        buf_str_add(&body, before.len ? scope_ends : body_begins);
        buf_str_add(&body, before.len ? STR(",") : STR_NULL);
        buf_lit(&body, "{\"resource\":");
        buf_str_add(&body, resource);
        buf_char(&body, ',');
        buf_str_add(&body, scope);
        memcpy(otlp->resource, resource.p, resource.len);
        otlp->resource_len = resource.len;
    }
    buf_str_add(&body, spans);
    BUG_ON(body.full);
    batch->len = body.len;
    batch->lines++;
}

/* The spans of a line go into a batch. */
static void export_line(struct logplace *place, struct logread *read)
{
    struct logotlp *otlp = (struct logotlp *)place;
    struct logplace_counters *counters = &place->counters;
    char head[OTLP_RESOURCE_MAX];
    struct buf resource, spans;
    struct batch *batch;

    logread_parts(read);
    buf_init(&resource, head, sizeof head);
    buf_init(&spans, otlp->block, OTLP_SPANS_MAX);
    otlp_resource(read, &resource);
    otlp_spans(read, &spans);
    if (spans.len == 0)
        return; /* a part of a request that was never tried */
    batch = resource.full || spans.full ? NULL : batch_for(otlp, spans.len);
    if (batch)
        append(otlp, batch, buf_str(&resource), buf_str(&spans));
    else
        logplace_count(&counters->lost, 1);
}

static void otlp_take(struct logplace *place, const struct logblock *block)
{
    logspans_take(&((struct logotlp *)place)->spans, block);
}

/* ---- sending ---- */

static size_t pass_over(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes, (void)arg;
    return size * n;
}

static void first_is_over(struct logotlp *otlp)
{
    struct batch *batch = otlp->first;

    otlp->first = batch->next;
    if (!otlp->first)
        otlp->behind = &otlp->first;
    otlp->waiting--;
    free(batch);
}

/* Whether asking again may help (OTLP specification, "Retryable Response Codes"). */
static bool may_pass(long status)
{
    return status == 0 || status == 429 || (status >= 502 && status <= 504);
}

/* The time until it is asked again: what it says, or twice as long as the last time. */
static void back_off(struct logotlp *otlp)
{
    curl_off_t after = 0;
    int64_t wait_s = otlp->failures < 5 ? INT64_C(1) << otlp->failures : BACKOFF_MAX_S;

    if (curl_easy_getinfo(otlp->easy, CURLINFO_RETRY_AFTER, &after) == CURLE_OK && after > 0)
        wait_s = after < BACKOFF_MAX_S ? after : BACKOFF_MAX_S;
    otlp->failures++;
    otlp->next_ns = clk_mono_ns() + wait_s * NS_PER_S;
}

/* Gives the status of the answer, 0: there was none. */
static long post(struct logotlp *otlp, const struct batch *batch, int64_t timeout_ns)
{
    CURL *easy = otlp->easy;
    long status = 0;

    otlp->error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)batch->len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, batch->bytes);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / NS_PER_MS + 1));
    if (curl_easy_perform(easy) == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Sends the first batch. False when it has to be sent again. */
static bool send_first(struct logotlp *otlp, int64_t timeout_ns)
{
    struct logplace_counters *counters = &otlp->place.counters;
    struct batch *batch = otlp->first;
    long status = post(otlp, batch, timeout_ns);
    char why[WHY_LEN];

    if (status >= 200 && status < 300) {
        logplace_count(&counters->lines, batch->lines);
        logplace_count(&counters->bytes, batch->len);
        logplace_works(&otlp->place);
        otlp->failures = 0;
        first_is_over(otlp);
        return true;
    }
    if (status)
        snprintf(why, sizeof why, "the collector answers %ld", status);
    else
        snprintf(why, sizeof why, "%s", otlp->error[0] ? otlp->error : "no answer");
    logplace_failed(&otlp->place, why);
    if (may_pass(status)) {
        back_off(otlp);
        return false;
    }
    logplace_count(&counters->lost, batch->lines);
    first_is_over(otlp);
    return true;
}

/* The ms until something is due. */
static unsigned due_ms(const struct logotlp *otlp, int64_t now_ns)
{
    int64_t due_ns = now_ns + IDLE_MS * NS_PER_MS;

    if (otlp->open && otlp->open_ns + otlp->interval_ns < due_ns)
        due_ns = otlp->open_ns + otlp->interval_ns;
    if (otlp->first && otlp->next_ns < due_ns)
        due_ns = otlp->next_ns;
    return due_ns <= now_ns ? 0 : (unsigned)((due_ns - now_ns) / NS_PER_MS) + 1;
}

static unsigned otlp_work(struct logplace *place)
{
    struct logotlp *otlp = (struct logotlp *)place;
    int64_t now_ns = clk_mono_ns();

    if (otlp->open && now_ns - otlp->open_ns >= otlp->interval_ns)
        close_batch(otlp);
    if (otlp->first && now_ns >= otlp->next_ns)
        send_first(otlp, otlp->timeout_ns);
    return due_ms(otlp, clk_mono_ns());
}

static void otlp_finish(struct logplace *place, int64_t deadline_ns)
{
    struct logotlp *otlp = (struct logotlp *)place;
    int64_t left_ns;

    close_batch(otlp);
    while (otlp->first && (left_ns = deadline_ns - clk_mono_ns()) > 0)
        if (!send_first(otlp, left_ns < otlp->timeout_ns ? left_ns : otlp->timeout_ns))
            break;
    for (; otlp->first; first_is_over(otlp))
        logplace_count(&place->counters.lost, otlp->first->lines);
}

/* ---- opening ---- */

static void set_options(struct logotlp *otlp)
{
    CURL *easy = otlp->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_URL, otlp->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "penstock/" PACKAGE_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, otlp->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, otlp->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pass_over);
}

static bool otlp_open(struct logplace *place, char *why, size_t why_len)
{
    struct logotlp *otlp = (struct logotlp *)place;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        otlp->easy = curl_easy_init();
    if (!otlp->easy) {
        snprintf(why, why_len, "%s: libcurl cannot be used", place->name);
        return false;
    }
    set_options(otlp);
    return true; /* the collector may come later */
}

static void otlp_free(struct logplace *place)
{
    struct logotlp *otlp = (struct logotlp *)place;

    while (otlp->first)
        first_is_over(otlp);
    free(otlp->open);
    curl_easy_cleanup(otlp->easy);
    curl_slist_free_all(otlp->headers);
    free(otlp->url);
    free(otlp->block);
    logspans_fini(&otlp->spans);
    free(otlp);
}

static const struct logplace_kind kind = {
    .open = otlp_open, .take_marked = otlp_take, .work = otlp_work, .finish = otlp_finish, .free = otlp_free};

struct logplace *logotlp_new(const struct config_log *conf)
{
    struct logotlp *otlp = mem_zalloc(sizeof *otlp);

    otlp->place.kind = &kind;
    otlp->place.name = mem_printf("otlp:%s", conf->otlp.endpoint);
    otlp->url = mem_strdup(conf->otlp.endpoint);
    otlp->headers = curl_slist_append(NULL, "Content-Type: application/json");
    otlp->headers = curl_slist_append(otlp->headers, "Expect:"); /* libcurl would ask before a long body */
    for (size_t i = 0; i < conf->otlp.headers_len; i++)
        otlp->headers = curl_slist_append(otlp->headers, conf->otlp.headers[i]);
    otlp->interval_ns = conf->otlp.interval_ns;
    otlp->timeout_ns = conf->otlp.timeout_ns;
    otlp->behind = &otlp->first;
    otlp->block = mem_alloc(OTLP_SPANS_MAX);
    logspans_init(&otlp->spans, &otlp->place, export_line);
    return &otlp->place;
}
