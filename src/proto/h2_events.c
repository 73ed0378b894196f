/* What the library tells while it reads: field sections, content, ends. */
#include "proto/h2_facts.h"
#include "proto/h2_session.h"

/* Callbacks of the library answer with 0, or with this when the session is to end at once. */
static int stop(const struct h2 *h2)
{
    return h2->error ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int account(struct h2 *h2, enum h2_error error)
{
    if (error)
        h2_fail(h2, error);
    return stop(h2);
}

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- streams ---- */

struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id, void *user)
{
    struct h2_stream *stream = h2_mem_alloc(&h2->mem, sizeof *stream);

    if (!stream)
        return NULL;
    *stream = (struct h2_stream){.h2 = h2, .user = user, .id = id, .next = h2->streams};
    if (h2->streams)
        h2->streams->prev = stream;
    h2->streams = stream;
    h2->live++;
    return stream;
}

struct h2_stream *h2_stream_find(const struct h2 *h2, int32_t id)
{
    struct h2_stream *stream = h2->streams;

    while (stream && stream->id != id)
        stream = stream->next;
    return stream;
}

/* ---- frames as they begin, beside those that h2_frames.c counts ---- */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    struct h2 *h2 = user;
    bool ack = hd->flags & NGHTTP2_FLAG_ACK;

    (void)session;
    switch (hd->type) {
    case NGHTTP2_DATA:
        h2_flood_data(&h2->flood, false);
        return stop(h2);
    case NGHTTP2_SETTINGS:
        return account(h2, ack ? H2_OK : h2_flood_settings(&h2->flood, h2->now_ns));
    case NGHTTP2_PING:
        return account(h2, ack ? H2_OK : h2_flood_ping(&h2->flood, h2->now_ns));
    case NGHTTP2_WINDOW_UPDATE:
        return account(h2, h2_flood_window_update(&h2->flood));
    case NGHTTP2_PRIORITY: /* on stream 0: RFC 9113 section 6.3; the library no longer looks */
        return account(h2, hd->stream_id ? h2_flood_priority(&h2->flood) : H2_PROTOCOL);
    }
    return stop(h2);
}

/* ---- field sections ---- */

static bool is_server(const struct h2 *h2)
{
    return h2->config.role == H2_SERVER;
}

static bool is_trailers(const struct h2 *h2, const struct h2_stream *stream)
{
    if (is_server(h2))
        return stream != NULL;
    return stream && stream->head_done;
}

/* A request that is one too many: what was reset counts until its owner is done with it (CVE-2025-8671). */
static int refuse_stream(struct h2 *h2, int32_t id)
{
    h2->section_skipped = true;
    h2->counts.refused++;
    return nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM)
               ? NGHTTP2_ERR_CALLBACK_FAILURE
               : stop(h2);
}

/* Answers take turns, unless the client says otherwise (RFC 9218 section 10 leaves it to the server; what the
 * client's field leaves out has the defaults of section 4): many clients say nothing, and must not wait for
 * the whole of one answer before they get the beginning of the next. */
static int share(struct h2 *h2, int32_t id)
{
    const nghttp2_extpri priority = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};

    return nghttp2_session_change_extpri_stream_priority(h2->session, id, &priority, 0)
               ? NGHTTP2_ERR_CALLBACK_FAILURE
               : 0;
}

static int begin_request(struct h2 *h2, int32_t id)
{
    h2->counts.streams++;
    h2->flood.streams++;
    if (h2->config.streams_total && h2->counts.streams == h2->config.streams_total)
        h2_drain(h2);
    if (h2->config.streams_total && h2->counts.streams == h2->config.streams_total + h2->config.streams)
        h2_drain_now(h2);
    if (h2->live >= h2->config.streams)
        return refuse_stream(h2, id);
    return h2->error ? stop(h2) : share(h2, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

    h2_section_begin(&h2->section, &h2->mem, &h2->config.limits, is_trailers(h2, stream));
    h2->section_skipped = !stream && (!is_server(h2) || frame->headers.cat != NGHTTP2_HCAT_REQUEST);
    if (is_server(h2) && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        return begin_request(h2, frame->hd.stream_id);
    return stop(h2);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct h2 *h2 = user;

    (void)session, (void)frame, (void)flags;
    if (h2->section_skipped)
        return stop(h2);
    return account(h2, h2_section_add(&h2->section, (struct str){(const char *)name, name_len},
                                      (struct str){(const char *)value, value_len}));
}

/* The library would pass over these and go on: who sends them means harm (RFC 9113 section 8.1.1). */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *user)
{
    (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags,
        (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* The stream's content has ended. */
static void tell_end(struct h2 *h2, nghttp2_session *session, int32_t id)
{
    struct h2_stream *stream = stream_of(session, id);

    if (!stream || h2->error)
        return;
    stream->ended = true;
    h2->events->end(h2->owner, stream);
}

static int take_trailers(struct h2 *h2, nghttp2_session *session, struct h2_stream *stream)
{
    enum h1_error error;
    struct h2_block *block = h2_section_finish(&h2->section, &error);

    if (!block)
        return account(h2, H2_MEMORY);
    h2_trailer_facts(&block->head, is_server(h2));
    stream->trailer_block = block;
    stream->trailers = block->head.fields;
    stream->trailers_len = block->head.len;
    if (error) { /* too many, or bytes that must not be there */
        h2->counts.malformed++;
        stream->closed = true;
        if (nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_PROTOCOL_ERROR))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        h2->events->reset(h2->owner, stream, H2_CODE_PROTOCOL_ERROR, false);
        return stop(h2);
    }
    tell_end(h2, session, stream->id);
    return stop(h2);
}

static int take_head(struct h2 *h2, nghttp2_session *session, struct h2_stream *stream,
                     const nghttp2_frame *frame)
{
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    int32_t id = frame->hd.stream_id;
    enum h1_error error, facts;
    struct h2_block *block = h2_section_finish(&h2->section, &error);

    if (!stream && block) {
        stream = h2_stream_new(h2, id, NULL);
        if (stream)
            nghttp2_session_set_stream_user_data(session, id, stream);
    }
    if (!stream || !block) {
        h2_mem_free(&h2->mem, block);
        return account(h2, H2_MEMORY);
    }
    facts = is_server(h2) ? h2_request_facts(block, &h2->config.limits, ended)
                          : h2_response_facts(block, stream->method, ended);
    h2_head_drop(stream);
    stream->block = block;
    stream->head = &block->head;
    stream->head_done = is_server(h2) || block->head.status >= 200;
    h2->events->head(h2->owner, stream, error ? error : facts);
    if (ended)
        tell_end(h2, session, id);
    return stop(h2);
}

static int take_section(struct h2 *h2, nghttp2_session *session, const nghttp2_frame *frame)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

    if (h2->section_skipped || (stream && stream->closed))
        return stop(h2);
    if (!stream && (!is_server(h2) || frame->headers.cat != NGHTTP2_HCAT_REQUEST))
        return stop(h2); /* released since it began */
    if (is_trailers(h2, stream))
        return take_trailers(h2, session, stream);
    return take_head(h2, session, stream, frame);
}

/* ---- content, and whole frames ---- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                   void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = stream_of(session, id);

    (void)flags;
    if (!stream || stream->closed) {
        int error = nghttp2_session_consume(session, id, len);

        return error && nghttp2_is_fatal(error) ? error : stop(h2);
    }
    stream->unconsumed += (uint32_t)len;
    if (len)
        h2->events->data(h2->owner, stream, (struct str){(const char *)data, len});
    return stop(h2);
}

static int take_data(struct h2 *h2, nghttp2_session *session, const nghttp2_frame *frame)
{
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    bool brings = ended || frame->hd.length > frame->data.padlen;

    if (account(h2, h2_flood_content(&h2->flood, brings)))
        return stop(h2);
    if (ended)
        tell_end(h2, session, frame->hd.stream_id);
    return stop(h2);
}

/* Of a stream that is over anyway it takes nothing from us. */
static int take_reset(struct h2 *h2, nghttp2_session *session, int32_t id)
{
    struct h2_stream *stream = stream_of(session, id);

    h2->counts.resets++;
    if (stream)
        stream->by_peer = true;
    return account(h2, is_server(h2) ? h2_flood_reset(&h2->flood, h2->now_ns) : H2_OK);
}

static int take_settings(struct h2 *h2, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK)
        return stop(h2);
    h2->ready = true;
    if (h2->events->settings)
        h2->events->settings(h2->owner);
    return stop(h2);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        return take_section(h2, session, frame);
    case NGHTTP2_DATA:
        return take_data(h2, session, frame);
    case NGHTTP2_RST_STREAM:
        return take_reset(h2, session, frame->hd.stream_id);
    case NGHTTP2_SETTINGS:
        return take_settings(h2, frame);
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK && h2->events->pong)
            h2->events->pong(h2->owner);
        return stop(h2);
    case NGHTTP2_GOAWAY:
        h2->peer_done = true;
        if (h2->events->goaway)
            h2->events->goaway(h2->owner, frame->goaway.error_code);
        return stop(h2);
    }
    return stop(h2);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = stream_of(session, id);

    if (!stream || stream->closed)
        return stop(h2);
    stream->closed = true;
    if (!(stream->ended && stream->finished) && !h2->error)
        h2->events->reset(h2->owner, stream, code, stream->by_peer || code == NGHTTP2_REFUSED_STREAM);
    return stop(h2);
}

/* ---- frames that go out: resets that the peer has caused ---- */

static bool peer_caused(uint32_t code)
{
    return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_STREAM_CLOSED ||
           code == NGHTTP2_FLOW_CONTROL_ERROR || code == NGHTTP2_FRAME_SIZE_ERROR ||
           code == NGHTTP2_REFUSED_STREAM;
}

static int reset_sent(struct h2 *h2, uint32_t code)
{
    if (!peer_caused(code))
        return 0;
    if (code != NGHTTP2_REFUSED_STREAM)
        h2->counts.malformed++;
    return account(h2, is_server(h2) ? h2_flood_reset(&h2->flood, h2->now_ns) : H2_OK);
}

/* The last frame of an answer whose owner has released it while the request was still coming (RFC 9113
 * section 8.1). An earlier reset would have overtaken it. */
static int answer_sent(struct h2 *h2, nghttp2_session *session, int32_t id)
{
    if (!is_server(h2) || stream_of(session, id) || nghttp2_session_get_stream_remote_close(session, id) != 0)
        return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR)
               ? NGHTTP2_ERR_CALLBACK_FAILURE
               : 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;

    if (frame->hd.type == NGHTTP2_RST_STREAM)
        return reset_sent(h2, frame->rst_stream.error_code);
    if (frame->hd.type <= NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        return answer_sent(h2, session, frame->hd.stream_id);
    return 0;
}

/* What the library's GOAWAY says: it has seen the peer break a rule, and reads no more. */
static enum h2_error error_of(uint32_t code)
{
    switch (code) {
    case H2_CODE_FLOW_CONTROL_ERROR:
        return H2_FLOW_CONTROL;
    case H2_CODE_FRAME_SIZE_ERROR:
        return H2_FRAME_SIZE;
    case H2_CODE_COMPRESSION_ERROR:
        return H2_COMPRESSION;
    case H2_CODE_STREAM_CLOSED:
        return H2_STREAM_CLOSED;
    case H2_CODE_ENHANCE_YOUR_CALM:
        return H2_OUTBOUND;
    case H2_CODE_INTERNAL_ERROR:
        return H2_INTERNAL;
    }
    return H2_PROTOCOL;
}

/* We send our own GOAWAY for that; those of h2_drain have no error. */
static int on_before_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    if (frame->hd.type != NGHTTP2_GOAWAY || frame->goaway.error_code == NGHTTP2_NO_ERROR)
        return 0;
    return account(user, error_of(frame->goaway.error_code));
}

/* A request that could not be sent any more, because the peer takes none: it has no stream that could be
 * closed. */
static int on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream;

    (void)session, (void)error;
    if (is_server(h2) || frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream = h2_stream_find(h2, frame->hd.stream_id);
    if (!stream || stream->closed)
        return 0;
    stream->closed = true;
    if (!h2->error)
        h2->events->reset(h2->owner, stream, H2_CODE_REFUSED_STREAM, true);
    return stop(h2);
}

void h2_events_set(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, on_before_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
}
