/*
 * HTTP/2. The first byte of the input chooses the role and the size of the pieces. What the owner is told
 * does not depend on the pieces (as long as the session has not ended); heads keep the invariant of struct
 * field and, sent on as HTTP/1.1, are taken as the same; memory stays within its maximum.
 */
#include "base/mem.h"
#include "proto/h1.h"
#include "proto/h1_write.h"
#include "proto/h2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 512 << 10, LOG_MAX = 8 << 20, HEAD_MAX = 64 << 10, FIELDS = 200 };

struct owner {
    struct h2 *h2;
    struct text log;
    uint32_t heads;
    bool client;
};

/* The head as HTTP/1.1 means what it meant. */
static void check_sent_on(const struct head *head)
{
    static const struct h1_limits limits = {.start_line = HEAD_MAX, .head = HEAD_MAX, .fields = FIELDS};
    char *block = mem_alloc(HEAD_MAX);
    struct field fields[FIELDS];
    struct h1_scan scan;
    struct head again;
    struct buf buf;

    buf_init(&buf, block, HEAD_MAX);
    h1_write_request_line(&buf, head->method_name, head->path, head->query);
    h1_write_field(&buf, STR("host"), head->authority.whole);
    for (size_t i = 0; i < head->len; i++)
        if (head->fields[i].id != FIELD_HOST && !(head->fields[i].flags & FIELD_HOP))
            h1_write_parsed(&buf, &head->fields[i]);
    h1_write_end(&buf);
    BUG_ON(buf.full);
    h1_scan_init(&scan);
    BUG_ON(h1_scan(&scan, &limits, block, buf.len) != H1_SCAN_DONE || scan.end != buf.len);
    head_init(&again, fields, FIELDS);
    BUG_ON(h1_request_parse(&scan, &limits, block, &again) != H1_OK);
    BUG_ON(!str_eq(again.method_name, head->method_name) || !str_eq(again.path, head->path));
    BUG_ON(!str_eq(again.query, head->query) || !str_eq(again.authority.host, head->authority.host));
    BUG_ON(again.has_length != head->has_length || again.content_length != head->content_length);
    free(block);
}

static void on_head(void *user, struct h2_stream *stream, enum h1_error error)
{
    struct owner *owner = user;
    const struct head *head = stream->head;

    text_printf(&owner->log, "head %d %s", stream->id, h1_error_name(error));
    for (size_t i = 0; i < head->len; i++) {
        struct str value = head->fields[i].value;

        text_printf(&owner->log, " %.*s=%.*s", STR_ARG(head->fields[i].name), STR_ARG(value));
        for (size_t k = 0; k < value.len; k++)
            BUG_ON(value.p[k] == '\r' || value.p[k] == '\n' || value.p[k] == '\0');
    }
    if (!error && !owner->client)
        check_sent_on(head);
    if (error && !owner->client)
        BUG_ON(!h2_respond(stream, h1_error_status(error), NULL, 0, false));
    if (++owner->heads % 7 == 0)
        h2_release(stream);
}

static void on_data(void *user, struct h2_stream *stream, struct str data)
{
    struct owner *owner = user;

    BUG_ON(data.len == 0);
    text_add(&owner->log, data.p, data.len);
    h2_consume(stream, stream->unconsumed);
}

static void on_end(void *user, struct h2_stream *stream)
{
    struct owner *owner = user;

    text_printf(&owner->log, " end %d %zu", stream->id, stream->trailers_len);
    if (!owner->client && !stream->finished)
        BUG_ON(!h2_respond(stream, 200, NULL, 0, stream->id % 4 == 1));
    else
        h2_release(stream);
}

static void on_reset(void *user, struct h2_stream *stream, uint32_t code, bool by_peer)
{
    (void)user, (void)code, (void)by_peer;
    h2_release(stream);
}

static size_t on_content(void *user, struct h2_stream *stream, char *out, size_t max, bool *end_r)
{
    (void)user, (void)stream;
    memset(out, 'x', max);
    *end_r = max > 1000;
    return max;
}

static const struct h2_events events = {
    .head = on_head, .data = on_data, .end = on_end, .reset = on_reset, .content = on_content};

static void gather(struct h2 *h2)
{
    char out[2048];

    for (int i = 0; i < 1000 && h2_has_output(h2); i++)
        BUG_ON(h2_gather(h2, out, sizeof out) > sizeof out);
}

static void ask(struct h2 *h2)
{
    const struct h2_request request = {
        .method = STR("POST"), .scheme = STR("http"), .authority = STR("a"), .path = STR("/")};

    for (int i = 0; i < 3; i++)
        BUG_ON(!h2_request(h2, &request, NULL, 0, i > 0, NULL));
    gather(h2);
}

static enum h2_error run(struct owner *owner, bool client, const char *in, size_t len, size_t step)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct h2_config config = client ? h2_client_config : h2_server_config;
    enum h2_error error = H2_OK;

    config.memory = MEMORY;
    config.extended_connect = true;
    *owner = (struct owner){.client = client};
    text_init(&owner->log, LOG_MAX);
    owner->h2 = h2_new(&config, &events, owner, 0);
    BUG_ON(!owner->h2);
    if (client)
        ask(owner->h2);
    else
        BUG_ON(h2_feed(owner->h2, preface, sizeof preface - 1, 0));
    for (size_t at = 0; at < len && !error; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *copy = mem_alloc(n);

        memcpy(copy, in + at, n);
        error = h2_feed(owner->h2, copy, n, (int64_t)at * 1000);
        free(copy);
        BUG_ON(h2_memory(owner->h2) > MEMORY + 4096);
    }
    gather(owner->h2);
    error = h2_ended(owner->h2);
    h2_free(&owner->h2);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner whole, pieces = {.heads = 0};
    bool client;

    if (size < 1)
        return 0;
    client = data[0] & 1;
    if (run(&whole, client, (const char *)data + 1, size - 1, size) == H2_OK &&
        run(&pieces, client, (const char *)data + 1, size - 1, 1 + data[0] / 2) == H2_OK) {
        BUG_ON(whole.log.len != pieces.log.len);
        BUG_ON(whole.log.len && memcmp(whole.log.p, pieces.log.p, whole.log.len) != 0);
    }
    text_fini(&pieces.log);
    text_fini(&whole.log);
    return 0;
}
