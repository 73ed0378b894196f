#include "control/probe_h2.h"

#include "base/clk.h"

static void on_head(void *owner, struct h2_stream *stream, enum h1_error error)
{
    struct probe_h2 *probe = owner;

    if (!error && stream->head->status < 200)
        return;
    probe->done = true;
    probe->status = stream->head->status;
    probe->why = error ? h1_error_text(error) : NULL;
}

static void on_data(void *owner, struct h2_stream *stream, struct str data)
{
    (void)owner;
    h2_consume(stream, (uint32_t)data.len);
}

static void on_end(void *owner, struct h2_stream *stream)
{
    (void)owner, (void)stream; /* the head has said all */
}

static void on_reset(void *owner, struct h2_stream *stream, uint32_t code, bool by_peer)
{
    struct probe_h2 *probe = owner;

    (void)stream, (void)by_peer;
    if (probe->done)
        return;
    probe->done = true;
    probe->why = h2_code_name(code);
}

static const struct h2_events events = {.head = on_head, .data = on_data, .end = on_end, .reset = on_reset};

bool probe_h2_begin(struct probe_h2 *probe, const char *path, const char *host, bool tls)
{
    const struct h2_request request = {.method = STR("GET"),
                                       .scheme = tls ? STR("https") : STR("http"),
                                       .authority = str_from(host),
                                       .path = str_from(path)};
    struct field agent;

    *probe = (struct probe_h2){.h2 = h2_new(&h2_client_config, &events, probe, clk_mono_ns())};
    field_set(&agent, STR("user-agent"), STR("penstock-health-check"), false);
    return probe->h2 && h2_request(probe->h2, &request, &agent, 1, false, NULL);
}

static void look(struct probe_h2 *probe)
{
    if (!h2_ended(probe->h2) || probe->done)
        return;
    probe->done = true;
    probe->why = h2_error_text(h2_ended(probe->h2));
}

void probe_h2_hear(struct probe_h2 *probe, const char *in, size_t len)
{
    if (h2_feed(probe->h2, in, len, clk_mono_ns()))
        look(probe);
}

size_t probe_h2_say(struct probe_h2 *probe, char *out, size_t cap)
{
    size_t len = h2_has_output(probe->h2) ? h2_gather(probe->h2, out, cap) : 0;

    look(probe);
    return len;
}

void probe_h2_end(struct probe_h2 *probe)
{
    h2_free(&probe->h2);
}
