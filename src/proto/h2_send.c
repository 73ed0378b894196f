/* What the owner sends: heads, content, trailers, windows, resets. */
#include "proto/h2_session.h"
#include "proto/octet.h"

enum { LINES_MAX = HEAD_FIELDS_MAX + 8, DATA_MIN = 256 };

/* A head on its way into the library, which copies it. */
struct lines {
    nghttp2_nv nv[LINES_MAX];
    size_t len;
    bool bad; /* a line could break out of its place, or there are too many */
};

/* The room for the lines stays as it is: there is much of it, and each head needs a few. */
static void lines_init(struct lines *lines)
{
    lines->len = 0;
    lines->bad = false;
}

static bool is_clean(struct str text)
{
    return text.len == 0 || octet_find_control(text.p, text.p + text.len) == text.p + text.len;
}

/* The library only reads these, though its struct does not say so. */
static uint8_t *bytes_of(struct str s)
{
    union {
        const char *in;
        uint8_t *out;
    } pun = {.in = s.len ? s.p : ""};

    return pun.out;
}

static void add(struct lines *lines, struct str name, struct str value, uint8_t flags)
{
    if (lines->len == LINES_MAX || !is_clean(value)) {
        lines->bad = true;
        return;
    }
    lines->nv[lines->len++] = (nghttp2_nv){bytes_of(name), bytes_of(value), name.len, value.len, flags};
}

/* The name is a constant in lower case. */
static void add_line(struct lines *lines, struct str name, struct str value)
{
    add(lines, name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

/* RFC 9113 section 8.2.2: what is of a connection stays out, but for `te: trailers`. Host is told by
 * :authority. */
static bool is_left_out(const struct field *field)
{
    if (field->id == FIELD_TE)
        return !str_eq_nocase(field->value, STR("trailers"));
    return field->flags & FIELD_HOP || field->id == FIELD_HOST;
}

static void add_fields(struct lines *lines, const struct field *fields, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_left_out(&fields[i]))
            continue;
        if (fields[i].id != FIELD_OTHER)
            add_line(lines, field_name(fields[i].id), fields[i].value);
        else if (octet_all(fields[i].name, OCTET_TOKEN))
            add(lines, fields[i].name, fields[i].value, NGHTTP2_NV_FLAG_NONE);
        else
            lines->bad = true;
    }
}

/* Whether the library has taken something. Without memory the session cannot go on. */
static bool taken(struct h2 *h2, int error)
{
    if (error == NGHTTP2_ERR_NOMEM)
        h2_end(h2, H2_MEMORY);
    return error >= 0;
}

/* ---- content ---- */

/* Content is copied straight to its place in the output, behind the room for the header of its frame;
 * write_data puts that header there, and nothing comes in between. */
static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *unused, size_t max, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    bool end = false;
    size_t len;

    (void)unused, (void)source;
    if (!stream || stream->closed)
        return NGHTTP2_ERR_DEFERRED;
    if (h2->out_cap - h2->out_len < H2_FRAME_HEADER + DATA_MIN)
        return NGHTTP2_ERR_PAUSE;
    stream->has_trailers = false;
    stream->in_content = true;
    len = h2->events->content(h2->owner, stream, h2->out + h2->out_len + H2_FRAME_HEADER, max, &end);
    BUG_ON(len > max);
    if (h2->error)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream)
        stream->in_content = false;
    if (len == 0 && !end)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (end)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (end && stream && stream->has_trailers)
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (end && stream)
        stream->finished = true;
    return (ssize_t)len;
}

static int write_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t len,
                      nghttp2_data_source *source, void *user)
{
    struct h2 *h2 = user;

    (void)session, (void)frame, (void)source;
    memcpy(h2->out + h2->out_len, header, H2_FRAME_HEADER);
    h2->out_len += H2_FRAME_HEADER + len;
    BUG_ON(h2->out_len > h2->out_cap);
    h2_flood_data(&h2->flood, true);
    return 0;
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The frame goes as far as the windows, the peer's frame size and the rest of the output. */
static ssize_t data_length(nghttp2_session *session, uint8_t type, int32_t id, int32_t session_window,
                           int32_t stream_window, uint32_t frame_max, void *user)
{
    const struct h2 *h2 = user;
    size_t room = h2->out_cap - h2->out_len;
    int32_t windows = least(session_window, stream_window);
    size_t most = room > H2_FRAME_HEADER ? room - H2_FRAME_HEADER : 1;

    (void)session, (void)type, (void)id;
    most = most < (size_t)windows ? most : (size_t)windows;
    return (ssize_t)(most < frame_max ? most : frame_max);
}

void h2_send_set(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, write_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, data_length);
}

void h2_wake(struct h2_stream *stream)
{
    if (!stream->closed && !stream->h2->error)
        (void)taken(stream->h2, nghttp2_session_resume_data(stream->h2->session, stream->id));
}

bool h2_trailers(struct h2_stream *stream, const struct field *fields, size_t len)
{
    struct lines lines;

    BUG_ON(!stream->in_content);
    lines_init(&lines);
    for (size_t i = 0; i < len; i++)
        if (!(fields[i].flags & FIELD_HOP))
            add_fields(&lines, &fields[i], 1);
    if (lines.bad)
        return false;
    if (lines.len == 0)
        return true;
    stream->has_trailers =
        taken(stream->h2, nghttp2_submit_trailer(stream->h2->session, stream->id, lines.nv, lines.len));
    return stream->has_trailers;
}

/* ---- heads ---- */

static struct str status_text(unsigned status, char text[3])
{
    BUG_ON(status < 100 || status > 599);
    text[0] = (char)('0' + status / 100);
    text[1] = (char)('0' + status / 10 % 10);
    text[2] = (char)('0' + status % 10);
    return (struct str){text, 3};
}

bool h2_interim(struct h2_stream *stream, unsigned status, const struct field *fields, size_t len)
{
    struct h2 *h2 = stream->h2;
    struct lines lines;
    char text[3];

    if (stream->closed || h2->error)
        return true; /* nobody is there who could be told */
    lines_init(&lines);
    add_line(&lines, STR(":status"), status_text(status, text));
    add_fields(&lines, fields, len);
    return !lines.bad && taken(h2, nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                                          lines.nv, lines.len, NULL));
}

bool h2_respond(struct h2_stream *stream, unsigned status, const struct field *fields, size_t len,
                bool content)
{
    const nghttp2_data_provider provider = {.read_callback = read_data};
    struct h2 *h2 = stream->h2;
    struct lines lines;
    char text[3];

    if (stream->closed || h2->error)
        return true;
    lines_init(&lines);
    add_line(&lines, STR(":status"), status_text(status, text));
    add_fields(&lines, fields, len);
    if (lines.bad || !taken(h2, nghttp2_submit_response(h2->session, stream->id, lines.nv, lines.len,
                                                        content ? &provider : NULL)))
        return false;
    stream->finished = !content;
    return true;
}

/* Path and query are two slices of what the owner sends; one value must be in one piece. */
static struct str join_path(struct h2 *h2, const struct h2_request *request, char **block_r)
{
    size_t len = request->path.len + request->query.len;

    *block_r = NULL;
    if (request->query.len == 0)
        return request->path;
    if (request->path.p + request->path.len == request->query.p)
        return (struct str){request->path.p, len};
    *block_r = h2_mem_alloc(&h2->mem, len);
    if (!*block_r)
        return STR_NULL;
    memcpy(*block_r, request->path.p, request->path.len);
    memcpy(*block_r + request->path.len, request->query.p, request->query.len);
    return (struct str){*block_r, len};
}

/* RFC 9113 section 8.3.1; what stands here has passed a codec or is configured, and is looked at all the
 * same. */
static void add_request(struct lines *lines, const struct h2_request *request, struct str path)
{
    bool is_connect = str_eq(request->method, STR("CONNECT")) && request->protocol.len == 0;

    lines->bad = !octet_all(request->method, OCTET_TOKEN) || (!is_connect && !octet_all(path, OCTET_TARGET));
    add_line(lines, STR(":method"), request->method);
    if (!is_connect)
        add_line(lines, STR(":scheme"), request->scheme);
    if (request->authority.len)
        add_line(lines, STR(":authority"), request->authority);
    if (!is_connect)
        add_line(lines, STR(":path"), path);
    if (request->protocol.len)
        add_line(lines, STR(":protocol"), request->protocol);
}

struct h2_stream *h2_request(struct h2 *h2, const struct h2_request *request, const struct field *fields,
                             size_t len, bool content, void *user)
{
    const nghttp2_data_provider provider = {.read_callback = read_data};
    struct lines lines;
    struct h2_stream *stream;
    char *block;
    int32_t id;

    BUG_ON(h2->config.role != H2_CLIENT);
    if (h2_room(h2) == 0)
        return NULL;
    lines_init(&lines);
    add_request(&lines, request, join_path(h2, request, &block));
    add_fields(&lines, fields, len);
    stream = lines.bad ? NULL : h2_stream_new(h2, 0, user);
    if (!stream) {
        h2_mem_free(&h2->mem, block);
        return NULL;
    }
    id = nghttp2_submit_request(h2->session, NULL, lines.nv, lines.len, content ? &provider : NULL, stream);
    h2_mem_free(&h2->mem, block);
    stream->closed = id < 0;
    stream->id = id;
    stream->method = method_from(request->method);
    stream->finished = !content;
    if (!taken(h2, id)) {
        h2_release(stream);
        return NULL;
    }
    h2->flood.streams++;
    return stream;
}

/* ---- windows, and the end of a stream ---- */

void h2_consume(struct h2_stream *stream, uint32_t len)
{
    struct h2 *h2 = stream->h2;
    int error;

    BUG_ON(len > stream->unconsumed);
    stream->unconsumed -= len;
    if (len == 0 || h2->error)
        return;
    error = stream->closed ? nghttp2_session_consume_connection(h2->session, len)
                           : nghttp2_session_consume(h2->session, stream->id, len);
    (void)taken(h2, error);
}

void h2_head_drop(struct h2_stream *stream)
{
    h2_mem_free(&stream->h2->mem, stream->block);
    stream->block = NULL;
    stream->head = NULL;
}

void h2_reset(struct h2_stream *stream, enum h2_code code)
{
    struct h2 *h2 = stream->h2;

    if (stream->closed || h2->error)
        return;
    stream->closed = true;
    (void)taken(h2, nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id, code));
}

/* Whether the peer's windows are what holds the content of this stream back. */
static bool has_no_room(const struct h2_stream *stream)
{
    return nghttp2_session_get_stream_remote_window_size(stream->h2->session, stream->id) <= 0 ||
           nghttp2_session_get_remote_window_size(stream->h2->session) <= 0;
}

void h2_stall(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    enum h2_error error;

    if (stream->closed || h2->error)
        return;
    error = has_no_room(stream) ? h2_flood_stall(&h2->flood) : H2_OK;
    h2_reset(stream, H2_CODE_ENHANCE_YOUR_CALM);
    if (error)
        h2_end(h2, error);
}

void h2_release(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    bool answered = h2->config.role == H2_SERVER && stream->finished;

    h2_consume(stream, stream->unconsumed);
    if (!stream->finished || (!stream->ended && !answered))
        h2_reset(stream, H2_CODE_CANCEL);
    else if (!stream->ended && nghttp2_session_get_stream_local_close(h2->session, stream->id) == 1)
        h2_reset(stream, H2_CODE_NO_ERROR); /* else when the last frame of the answer has been written */
    if (!h2->error)
        nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
    h2_head_drop(stream);
    h2_mem_free(&h2->mem, stream->trailer_block);
    if (stream->prev)
        stream->prev->next = stream->next;
    else
        h2->streams = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    h2->live--;
    h2_mem_free(&h2->mem, stream);
}
