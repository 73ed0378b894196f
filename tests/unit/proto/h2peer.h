/*
 * For tests of HTTP/2: frames as bytes, an owner that writes down what it is told as one line of text, and
 * what a session sends as text too. A section is written without compression, so that anything can be in it.
 */
#ifndef TESTS_UNIT_PROTO_H2PEER_H
#define TESTS_UNIT_PROTO_H2PEER_H

#include "base/mem.h"
#include "proto/h2.h"

#include "../unit.h"
#include "heads.h"

#include <stdlib.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum {
    F_DATA,
    F_HEADERS,
    F_PRIORITY,
    F_RST_STREAM,
    F_SETTINGS,
    F_PUSH_PROMISE,
    F_PING,
    F_GOAWAY,
    F_WINDOW_UPDATE,
    F_CONTINUATION,
};

enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };

static inline void put_frame(struct text *out, unsigned type, unsigned flags, uint32_t stream,
                             const char *payload, size_t len)
{
    char header[9] = {(char)(len >> 16),    (char)(len >> 8),    (char)len,
                      (char)type,           (char)flags,         (char)(stream >> 24),
                      (char)(stream >> 16), (char)(stream >> 8), (char)stream};

    text_add(out, header, sizeof header);
    text_add(out, payload, len);
}

static inline void put_number(struct text *out, uint32_t value)
{
    char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};

    text_add(out, bytes, 4);
}

/* A frame whose payload is one number: RST_STREAM, WINDOW_UPDATE. */
static inline void put_number_frame(struct text *out, unsigned type, uint32_t stream, uint32_t value)
{
    put_frame(out, type, 0, stream, "", 0);
    out->p[out->len - 7] = 4; /* the length, which is behind by six bytes */
    put_number(out, value);
}

/* An integer of HPACK behind a prefix of 7 bits (RFC 7541 section 5.1). */
static inline void put_length(struct text *out, size_t len)
{
    char byte;

    if (len < 127) {
        byte = (char)len;
        text_add(out, &byte, 1);
        return;
    }
    byte = 127;
    text_add(out, &byte, 1);
    for (len -= 127; len >= 128; len >>= 7) {
        byte = (char)(len | 128);
        text_add(out, &byte, 1);
    }
    byte = (char)len;
    text_add(out, &byte, 1);
}

static inline void put_field(struct text *out, struct str name, struct str value)
{
    text_add(out, "\0", 1); /* literal, not indexed, with its name */
    put_length(out, name.len);
    text_add(out, name.p, name.len);
    put_length(out, value.len);
    text_add(out, value.p, value.len);
}

/* "name=value|name=value", where a value may have anything but '|'. */
static inline void put_section(struct text *out, const char *fields)
{
    struct str rest = str_from(fields), piece;

    while (str_split(&rest, '|', &piece)) {
        const char *equals = memchr(piece.p, '=', piece.len);
        size_t at = equals ? (size_t)(equals - piece.p) : piece.len;

        if (piece.len)
            put_field(out, (struct str){piece.p, at},
                      equals ? (struct str){equals + 1, piece.len - at - 1} : (struct str){"", 0});
    }
}

static inline void put_headers(struct text *out, uint32_t stream, const char *fields, bool end)
{
    struct text section;

    text_init(&section, 1 << 20);
    put_section(&section, fields);
    put_frame(out, F_HEADERS, END_HEADERS | (end ? END_STREAM : 0U), stream, section.p ? section.p : "",
              section.len);
    text_fini(&section);
}

static inline void put_preface(struct text *out, bool client)
{
    if (client)
        text_add(out, PREFACE, sizeof PREFACE - 1);
    put_frame(out, F_SETTINGS, 0, 0, "", 0);
}

/* ---- an owner that writes down ---- */

struct h2_peer {
    struct h2 *h2;
    struct text log;
    const char *send;         /* content of what it sends; NULL: none now */
    const char *send_trailer; /* a value for the field "checksum" behind it */
    bool answers;             /* 200 to each head without error, at its end */
    bool keeps;               /* does not consume */
    bool holds;               /* does not release */
    struct h2_stream *last;   /* the stream of the last head or request, while it is owned */
    unsigned heads, resets;
};

static inline void peer_release(struct h2_peer *peer, struct h2_stream *stream)
{
    if (peer->last == stream)
        peer->last = NULL;
    h2_release(stream);
}

static inline void on_head(void *owner, struct h2_stream *stream, enum h1_error error)
{
    struct h2_peer *peer = owner;
    char *text = stream->head->status ? describe_response(stream->head) : describe_request(stream->head);

    peer->heads++;
    peer->last = stream;
    if (error)
        text_printf(&peer->log, "head %d %s\n", stream->id, h1_error_name(error));
    else
        text_printf(&peer->log, "head %d %s\n", stream->id, text);
    free(text);
    for (size_t i = 0; !error && i < stream->head->len; i++)
        text_printf(&peer->log, " %.*s: %.*s\n", STR_ARG(stream->head->fields[i].name),
                    STR_ARG(stream->head->fields[i].value));
    if (error && peer->answers) {
        ck_assert(h2_respond(stream, h1_error_status(error), NULL, 0, false));
        peer_release(peer, stream);
    }
}

static inline void on_data(void *owner, struct h2_stream *stream, struct str data)
{
    struct h2_peer *peer = owner;

    ck_assert_uint_gt(data.len, 0);
    text_add(&peer->log, data.p, data.len);
    if (!peer->keeps)
        h2_consume(stream, (uint32_t)data.len);
}

static inline void on_end(void *owner, struct h2_stream *stream)
{
    struct h2_peer *peer = owner;

    ck_assert(stream->ended);
    text_printf(&peer->log, "\nend %d\n", stream->id);
    for (size_t i = 0; i < stream->trailers_len; i++)
        text_printf(&peer->log, " %.*s: %.*s\n", STR_ARG(stream->trailers[i].name),
                    STR_ARG(stream->trailers[i].value));
    if (peer->answers)
        ck_assert(h2_respond(stream, 200, NULL, 0, peer->send != NULL));
    if (!peer->holds && stream->finished)
        peer_release(peer, stream);
}

static inline void on_reset(void *owner, struct h2_stream *stream, uint32_t code, bool by_peer)
{
    struct h2_peer *peer = owner;

    peer->resets++;
    text_printf(&peer->log, "\nreset %d %s%s\n", stream->id, h2_code_name(code), by_peer ? " by peer" : "");
    if (!peer->holds)
        peer_release(peer, stream);
}

static inline size_t on_content(void *owner, struct h2_stream *stream, char *out, size_t max, bool *end_r)
{
    struct h2_peer *peer = owner;
    size_t len = peer->send ? strlen(peer->send) : 0;
    struct field field;

    if (!peer->send)
        return 0;
    len = len < max ? len : max;
    memcpy(out, peer->send, len);
    peer->send += len;
    *end_r = *peer->send == '\0';
    if (*end_r && peer->send_trailer) {
        field_set(&field, STR("Checksum"), str_from(peer->send_trailer), false);
        ck_assert(h2_trailers(stream, &field, 1));
    }
    return len;
}

static inline void on_goaway(void *owner, uint32_t code)
{
    text_printf(&((struct h2_peer *)owner)->log, "goaway %s\n", h2_code_name(code));
}

static inline void on_pong(void *owner)
{
    text_printf(&((struct h2_peer *)owner)->log, "pong\n");
}

static const struct h2_events peer_events = {
    .head = on_head,
    .data = on_data,
    .end = on_end,
    .reset = on_reset,
    .content = on_content,
    .goaway = on_goaway,
    .pong = on_pong,
};

static inline void peer_init(struct h2_peer *peer, const struct h2_config *config)
{
    *peer = (struct h2_peer){.send = NULL};
    text_init(&peer->log, 1 << 24);
    text_add(&peer->log, "", 0);
    peer->h2 = h2_new(config, &peer_events, peer, 0);
    ck_assert_ptr_nonnull(peer->h2);
}

static inline void peer_fini(struct h2_peer *peer)
{
    h2_free(&peer->h2);
    ck_assert_ptr_null(peer->h2);
    text_fini(&peer->log);
}

static inline const char *peer_log(struct h2_peer *peer)
{
    return peer->log.p ? peer->log.p : "";
}

/* What it has to say, in pieces of `cap`. */
static inline void peer_output(struct h2_peer *peer, struct text *out, size_t cap)
{
    char *block = mem_alloc(cap);

    while (h2_has_output(peer->h2)) {
        size_t len = h2_gather(peer->h2, block, cap);

        ck_assert_uint_le(len, cap);
        text_add(out, block, len);
        if (len == 0)
            break;
    }
    free(block);
}

static inline uint32_t number_at(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Frames as text, one a line, without those that every connection has. */
static inline char *frames_text(const struct text *in)
{
    static const char *const names[] = {"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
                                        "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
                                        "WINDOW_UPDATE", "CONTINUATION"};
    struct text out;
    size_t at = 0;

    text_init(&out, 1 << 24);
    text_add(&out, "", 0);
    while (at + 9 <= in->len) {
        const char *p = in->p + at;
        size_t len = number_at(p) >> 8;
        unsigned type = (unsigned char)p[3], flags = (unsigned char)p[4];
        uint32_t stream = number_at(p + 5);

        at += 9 + len;
        ck_assert_uint_le(at, in->len);
        ck_assert_uint_lt(type, ARRAY_LEN(names));
        if (type == F_SETTINGS || (type == F_WINDOW_UPDATE && stream == 0))
            continue;
        text_printf(&out, "%s %u", names[type], stream);
        if (type == F_RST_STREAM)
            text_printf(&out, " %s", h2_code_name(number_at(p + 9)));
        if (type == F_GOAWAY)
            text_printf(&out, " %u %s", number_at(p + 9), h2_code_name(number_at(p + 13)));
        if (type == F_DATA)
            text_printf(&out, " %zu", len);
        if ((type == F_DATA || type == F_HEADERS) && flags & END_STREAM)
            text_printf(&out, " end");
        text_printf(&out, "\n");
    }
    ck_assert_uint_eq(at, in->len);
    return text_take(&out);
}

#endif
