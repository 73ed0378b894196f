#include "proto/h2_session.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    HPACK_TABLE = 4096,            /* bytes, either direction */
    OUTBOUND_MAX = 2000,           /* frames that wait to be sent, beside content */
    ACKS_MAX = 1000,               /* of them answers to SETTINGS and PING */
    STREAMS_BEFORE_SETTINGS = 100, /* requests that may be made before the peer has said how many */
};

const struct h2_config h2_server_config = {
    .role = H2_SERVER,
    .limits =
        {.start_line = 8 << 10, .head = 32 << 10, .fields = 100, .trailer = 8 << 10, .trailer_fields = 32},
    .streams = 100,
    .streams_total = 10000,
    .window = 64 << 10,
    .session_window = 1 << 20,
    .memory = 8 << 20,
};

/* What has come and not gone on is bounded by the windows of the streams. One for all of them would let a few
 * slow receivers keep the peer from serving everybody else. */
const struct h2_config h2_client_config = {
    .role = H2_CLIENT,
    .limits =
        {.start_line = 8 << 10, .head = 64 << 10, .fields = 200, .trailer = 8 << 10, .trailer_fields = 32},
    .window = 64 << 10,
    .session_window = INT32_MAX,
    .memory = 8 << 20,
};

/* ---- the library's memory ---- */

static void *lib_malloc(size_t size, void *mem)
{
    return h2_mem_alloc(mem, size);
}

static void lib_free(void *block, void *mem)
{
    h2_mem_free(mem, block);
}

static void *lib_calloc(size_t count, size_t size, void *mem)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    block = h2_mem_alloc(mem, bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

static void *lib_realloc(void *block, size_t size, void *mem)
{
    return h2_mem_resize(mem, block, size);
}

/* ---- life ---- */

static bool open_session(struct h2 *h2, nghttp2_session_callbacks *callbacks, nghttp2_option *option)
{
    nghttp2_mem mem = {&h2->mem, lib_malloc, lib_free, lib_calloc, lib_realloc};
    int error;

    h2_events_set(callbacks);
    h2_send_set(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, HPACK_TABLE);
    nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
    nghttp2_option_set_max_continuations(option, SIZE_MAX); /* it counts calls; h2_frames.c counts frames */
    nghttp2_option_set_peer_max_concurrent_streams(option, STREAMS_BEFORE_SETTINGS);
    nghttp2_option_set_max_send_header_block_length(option, 128 << 10);
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX,
                                               UINT64_MAX); /* ours: it would read a clock */
    error = h2->config.role == H2_SERVER
                ? nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &mem)
                : nghttp2_session_client_new3(&h2->session, callbacks, h2, option, &mem);
    return error == 0;
}

/* RFC 9113 section 6.5.2; RFC 9218 section 2.1 for the old priorities that nobody uses. */
static bool send_settings(struct h2 *h2)
{
    const struct h2_config *config = &h2->config;
    nghttp2_settings_entry entries[6];
    size_t len = 0;

    entries[len++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config->window};
    entries[len++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, config->limits.head};
    entries[len++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    if (config->role == H2_CLIENT)
        entries[len++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    else
        entries[len++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->streams};
    if (config->role == H2_SERVER && config->extended_connect)
        entries[len++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
    return nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, entries, len) == 0 &&
           nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)config->session_window) == 0;
}

struct h2 *h2_new(const struct h2_config *config, const struct h2_events *events, void *owner, int64_t now_ns)
{
    struct h2 *h2 = mem_zalloc(sizeof *h2);
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    bool done;

    BUG_ON(config->window < NGHTTP2_INITIAL_WINDOW_SIZE || config->window > INT32_MAX);
    BUG_ON(config->session_window < NGHTTP2_INITIAL_WINDOW_SIZE || config->session_window > INT32_MAX);
    BUG_ON(config->limits.fields > HEAD_FIELDS_MAX || config->limits.trailer_fields > HEAD_FIELDS_MAX);
    h2->config = *config;
    h2->events = events;
    h2->owner = owner;
    h2->now_ns = now_ns;
    h2_flood_init(&h2->flood, now_ns);
    h2_frames_init(&h2->frames, config->role);
    h2_mem_init(&h2->mem, config->memory, config->budget, config->blocks);
    done = nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0 &&
           open_session(h2, callbacks, option) && send_settings(h2);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (!done)
        h2_free(&h2);
    return h2;
}

void h2_free(struct h2 **h2_ref)
{
    struct h2 *h2 = *h2_ref;

    *h2_ref = NULL;
    if (!h2)
        return;
    BUG_ON(h2->busy);
    h2->settled = true;
    h2_fail(h2, H2_SHUTDOWN); /* nothing is told to anybody any more */
    while (h2->streams)
        h2_release(h2->streams);
    nghttp2_session_del(h2->session);
    h2_section_fini(&h2->section);
    h2_mem_fini(&h2->mem);
    free(h2);
}

/* ---- the end ---- */

void h2_fail(struct h2 *h2, enum h2_error error)
{
    if (!h2->error)
        h2->error = error;
}

static void put_u32(char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (char)(value >> (24 - 8 * i));
}

/* Our own GOAWAY (RFC 9113 section 6.8): it needs no memory, and what the library has queued is not sent any
 * more, since that queue may be what the peer was after. Only a frame that was begun is sent to its end. A
 * client that has not sent its preface says nothing: a server would take it for no HTTP/2. */
static void compose_goaway(struct h2 *h2)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h2->session);

    if (h2->config.role == H2_CLIENT && !h2->spoken) {
        h2->goaway_sent = H2_GOAWAY_LEN;
        return;
    }
    h2->goaway[2] = 8;
    h2->goaway[3] = NGHTTP2_GOAWAY;
    put_u32(h2->goaway + H2_FRAME_HEADER, (uint32_t)last);
    put_u32(h2->goaway + H2_FRAME_HEADER + 4, h2_error_code(h2->error));
}

/* Tells the streams, once, and from outside of the library. */
static void settle(struct h2 *h2)
{
    struct h2_stream *stream;

    if (!h2->error || h2->busy || h2->settled)
        return;
    h2->settled = true;
    compose_goaway(h2);
    do {
        for (stream = h2->streams; stream && stream->closed;)
            stream = stream->next;
        if (stream) {
            bool over = stream->ended && stream->finished;

            stream->closed = true;
            if (!over)
                h2->events->reset(h2->owner, stream, h2_error_code(h2->error), false);
        }
    } while (stream);
}

void h2_end(struct h2 *h2, enum h2_error error)
{
    BUG_ON(!error);
    h2_fail(h2, error);
    settle(h2);
}

enum h2_error h2_ended(const struct h2 *h2)
{
    return h2->error;
}

/* ---- input ---- */

static enum h2_error fatal_error(const struct h2 *h2, ssize_t error)
{
    if (h2->error)
        return h2->error; /* a callback has said it */
    switch (error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        return H2_PREFACE;
    case NGHTTP2_ERR_FLOODED:
        return H2_OUTBOUND;
    case NGHTTP2_ERR_NOMEM:
        return H2_MEMORY;
    }
    return H2_INTERNAL;
}

static void take_in(struct h2 *h2, const char *in, size_t len)
{
    ssize_t done = nghttp2_session_mem_recv(h2->session, (const uint8_t *)in, len);

    if (done < 0)
        h2_fail(h2, fatal_error(h2, done));
}

/* Frame by frame: when one begins, those before it have been read, and what they said is known. */
static void read_frames(struct h2 *h2, const char *in, size_t len)
{
    while (len && !h2->error) {
        bool whole;
        size_t before = h2_frames_find(&h2->frames, in, len, &whole);
        enum h2_error error;

        if (before)
            take_in(h2, in, before);
        if (!h2->error && whole && (error = h2_frames_begin(h2)))
            h2_fail(h2, error);
        in += before;
        len -= before;
    }
}

enum h2_error h2_feed(struct h2 *h2, const char *in, size_t len, int64_t now_ns)
{
    BUG_ON(h2->busy);
    if (h2->error)
        return h2->error;
    h2->now_ns = now_ns;
    h2->busy = true;
    read_frames(h2, in, len);
    if (nghttp2_session_get_outbound_queue_size(h2->session) > OUTBOUND_MAX)
        h2_fail(h2, H2_OUTBOUND);
    h2->busy = false;
    settle(h2);
    return h2->error;
}

/* ---- output ---- */

bool h2_has_output(const struct h2 *h2)
{
    if (h2->error)
        return h2->pending_len || h2->goaway_sent < H2_GOAWAY_LEN;
    return h2->pending_len || nghttp2_session_want_write(h2->session);
}

/* Moves what fits from [from, from + len) and says how much. */
static size_t put(struct h2 *h2, const void *from, size_t len)
{
    size_t room = h2->out_cap - h2->out_len;
    size_t n = len < room ? len : room;

    if (n)
        memcpy(h2->out + h2->out_len, from, n);
    h2->out_len += n;
    return n;
}

static void put_pending(struct h2 *h2)
{
    size_t n;

    if (h2->pending_len == 0)
        return;
    n = put(h2, h2->pending, h2->pending_len);
    h2->pending += n;
    h2->pending_len -= n;
}

static void gather_last(struct h2 *h2)
{
    put_pending(h2);
    h2->goaway_sent += put(h2, h2->goaway + h2->goaway_sent, H2_GOAWAY_LEN - h2->goaway_sent);
}

static void gather(struct h2 *h2)
{
    ssize_t len;

    put_pending(h2);
    while (!h2->error && h2->pending_len == 0 && h2->out_len < h2->out_cap) {
        len = nghttp2_session_mem_send(h2->session, &h2->pending);
        if (len < 0)
            h2_fail(h2, fatal_error(h2, len));
        if (len <= 0)
            return;
        h2->pending_len = (size_t)len;
        h2->spoken = true;
        put_pending(h2);
    }
}

size_t h2_gather(struct h2 *h2, char *out, size_t cap)
{
    BUG_ON(h2->busy || cap < H2_GATHER_MIN);
    h2->out = out;
    h2->out_cap = cap;
    h2->out_len = 0;
    if (!h2->error) {
        h2->busy = true;
        gather(h2);
        h2->busy = false;
        settle(h2);
    }
    if (h2->error)
        gather_last(h2);
    h2->out = NULL;
    return h2->out_len;
}

/* ---- draining, and what is asked ---- */

static void check_submit(struct h2 *h2, int error)
{
    if (error == NGHTTP2_ERR_NOMEM)
        h2_end(h2, H2_MEMORY);
}

void h2_drain(struct h2 *h2)
{
    if (h2->draining || h2->error)
        return;
    h2->draining = true;
    if (h2->config.role == H2_SERVER)
        check_submit(h2, nghttp2_submit_shutdown_notice(h2->session));
}

void h2_drain_now(struct h2 *h2)
{
    if (h2->error)
        return;
    h2->draining = true;
    check_submit(h2, nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                           nghttp2_session_get_last_proc_stream_id(h2->session),
                                           NGHTTP2_NO_ERROR, NULL, 0));
}

bool h2_is_draining(const struct h2 *h2)
{
    if (h2->draining || h2->peer_done || h2->error)
        return true;
    return h2->config.role == H2_CLIENT && !nghttp2_session_check_request_allowed(h2->session);
}

uint32_t h2_live(const struct h2 *h2)
{
    return h2->live;
}

void h2_ping(struct h2 *h2)
{
    if (!h2->error)
        check_submit(h2, nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL));
}

size_t h2_memory(const struct h2 *h2)
{
    return sizeof *h2 + h2->mem.used;
}

const struct h2_counts *h2_counts(const struct h2 *h2)
{
    return &h2->counts;
}

/* Requests at a time that the peer allows. */
static uint32_t most(const struct h2 *h2)
{
    if (!h2->ready)
        return STREAMS_BEFORE_SETTINGS;
    return nghttp2_session_get_remote_settings(h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

uint32_t h2_room(const struct h2 *h2)
{
    if (h2_is_draining(h2))
        return 0;
    return most(h2) > h2->live ? most(h2) - h2->live : 0;
}

bool h2_is_shut(const struct h2 *h2)
{
    return !h2_is_draining(h2) && most(h2) == 0;
}
