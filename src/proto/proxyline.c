#include "proto/proxyline.h"

#include <string.h>

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    SIGNATURE_LEN = sizeof signature - 1,
    V2_HEAD_LEN = 16, /* signature, command, family, length */
    V2_IPV4_LEN = 12, /* two addresses and two ports */
    V2_IPV6_LEN = 36,
    V2_COMMAND_LOCAL = 0x20,
    V2_COMMAND_PROXY = 0x21,
    V2_UNSPECIFIED = 0x00,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
};

/* ---- version 1 ---- */

/* The next word; exactly one space divides words. */
static struct str next_word(struct str *rest)
{
    struct str word;

    return str_split(rest, ' ', &word) ? word : STR_NULL;
}

static bool read_port(struct str text, uint16_t *port_r)
{
    uint64_t port;

    if (text.len == 0 || (text.p[0] == '0' && text.len > 1) || !str_to_u64(text, &port) || port > UINT16_MAX)
        return false;
    *port_r = (uint16_t)port;
    return true;
}

static bool read_address(struct str text, bool v6, struct ip *ip_r)
{
    return text.len && (memchr(text.p, ':', text.len) != NULL) == v6 && ip_parse(text, ip_r);
}

/* The line without CR LF. */
static const char *read_v1(struct str line, struct proxyline *line_r)
{
    struct str rest = line, family;

    next_word(&rest); /* PROXY */
    family = next_word(&rest);
    if (str_eq(family, STR("UNKNOWN")))
        return NULL; /* the rest of the line is to be ignored */
    line_r->known = true;
    if (!str_eq(family, STR("TCP4")) && !str_eq(family, STR("TCP6")))
        return "the PROXY line has an unknown family";
    if (!read_address(next_word(&rest), str_eq(family, STR("TCP6")), &line_r->source) ||
        !read_address(next_word(&rest), str_eq(family, STR("TCP6")), &line_r->destination))
        return "the PROXY line has no address of its family";
    if (!read_port(next_word(&rest), &line_r->source_port) ||
        !read_port(next_word(&rest), &line_r->destination_port))
        return "the PROXY line has a wrong port";
    return rest.p ? "the PROXY line has something behind its ports" : NULL;
}

static enum proxyline_result parse_v1(struct str in, struct proxyline *line_r, const char **why_r)
{
    struct str seen = {in.p, in.len < PROXYLINE_V1_MAX ? in.len : PROXYLINE_V1_MAX};
    const char *end = memchr(seen.p, '\n', seen.len);

    if (!end && in.len >= PROXYLINE_V1_MAX) {
        *why_r = "the PROXY line is too long";
        return PROXYLINE_BAD;
    }
    if (!end)
        return PROXYLINE_MORE;
    if (end == seen.p || end[-1] != '\r') {
        *why_r = "the PROXY line does not end with CR LF";
        return PROXYLINE_BAD;
    }
    line_r->len = (size_t)(end + 1 - in.p);
    *why_r = read_v1((struct str){in.p, line_r->len - 2}, line_r);
    return *why_r ? PROXYLINE_BAD : PROXYLINE_DONE;
}

/* ---- version 2 ---- */

static uint16_t read_u16(const char *at)
{
    return (uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
}

/* The extensions: a type, two bytes of length and so many bytes, each. */
static bool extensions_fit(const char *at, size_t len)
{
    while (len > 0) {
        size_t size = len >= 3 ? 3 + (size_t)read_u16(at + 1) : SIZE_MAX;

        if (size > len)
            return false;
        at += size;
        len -= size;
    }
    return true;
}

static void read_v4(const char *at, struct proxyline *line_r)
{
    ip_set_v4(&line_r->source, at);
    ip_set_v4(&line_r->destination, at + 4);
    line_r->source_port = read_u16(at + 8);
    line_r->destination_port = read_u16(at + 10);
}

static void read_v6(const char *at, struct proxyline *line_r)
{
    memcpy(line_r->source.bytes, at, 16);
    memcpy(line_r->destination.bytes, at + 16, 16);
    line_r->source_port = read_u16(at + 32);
    line_r->destination_port = read_u16(at + 34);
}

/* What follows the fixed part, `len` bytes. */
static const char *read_v2(unsigned char command, unsigned char family, const char *at, size_t len,
                           struct proxyline *line_r)
{
    size_t addresses = family == V2_TCP4 ? V2_IPV4_LEN : family == V2_TCP6 ? V2_IPV6_LEN : 0;

    if (command == V2_COMMAND_LOCAL)
        return NULL; /* whatever the rest says */
    if (family == V2_UNSPECIFIED)
        return NULL;
    if (!addresses)
        return "the PROXY header is not about a TCP connection";
    if (len < addresses || !extensions_fit(at + addresses, len - addresses))
        return "the PROXY header is shorter than what it holds";
    line_r->known = true;
    if (family == V2_TCP4)
        read_v4(at, line_r);
    else
        read_v6(at, line_r);
    return NULL;
}

static enum proxyline_result parse_v2(struct str in, struct proxyline *line_r, const char **why_r)
{
    unsigned char command;

    if (in.len < V2_HEAD_LEN)
        return PROXYLINE_MORE;
    command = (unsigned char)in.p[12];
    line_r->len = V2_HEAD_LEN + (size_t)read_u16(in.p + 14);
    if (command != V2_COMMAND_LOCAL && command != V2_COMMAND_PROXY) {
        *why_r = "the PROXY header has an unknown version or command";
        return PROXYLINE_BAD;
    }
    if (line_r->len > PROXYLINE_V2_MAX) {
        *why_r = "the PROXY header is too long";
        return PROXYLINE_BAD;
    }
    if (in.len < line_r->len)
        return PROXYLINE_MORE;
    *why_r = read_v2(command, (unsigned char)in.p[13], in.p + V2_HEAD_LEN, line_r->len - V2_HEAD_LEN, line_r);
    return *why_r ? PROXYLINE_BAD : PROXYLINE_DONE;
}

/* ---- both ---- */

static bool begins(struct str in, struct str what)
{
    size_t len = in.len < what.len ? in.len : what.len;

    return memcmp(in.p, what.p, len) == 0;
}

enum proxyline_result proxyline_parse(const char *in, size_t len, struct proxyline *line_r,
                                      const char **why_r)
{
    const struct str v1 = STR("PROXY "), v2 = {signature, SIGNATURE_LEN};
    struct str seen = {in, len};

    *line_r = (struct proxyline){0};
    *why_r = NULL;
    if (len == 0)
        return PROXYLINE_MORE;
    if (begins(seen, v1))
        return len < v1.len ? PROXYLINE_MORE : parse_v1(seen, line_r, why_r);
    if (begins(seen, v2))
        return len < v2.len ? PROXYLINE_MORE : parse_v2(seen, line_r, why_r);
    *why_r = "no PROXY header stands before the request";
    return PROXYLINE_BAD;
}

/* ---- writing ---- */

static bool is_v4(const struct proxyline *line)
{
    return ip_is_v4(&line->source) && ip_is_v4(&line->destination);
}

static void write_text(struct buf *buf, const struct ip *ip, bool v4)
{
    char text[IP_TEXT_LEN];
    size_t len = ip_text(ip, text);

    if (!v4 && ip_is_v4(ip))
        buf_lit(buf, "::ffff:");
    buf_add(buf, text, len);
    buf_char(buf, ' ');
}

static void write_v1(struct buf *buf, const struct proxyline *line)
{
    bool v4 = is_v4(line);

    if (!line->known) {
        buf_lit(buf, "PROXY UNKNOWN\r\n");
        return;
    }
    buf_str_add(buf, v4 ? STR("PROXY TCP4 ") : STR("PROXY TCP6 "));
    write_text(buf, &line->source, v4);
    write_text(buf, &line->destination, v4);
    buf_u64(buf, line->source_port);
    buf_char(buf, ' ');
    buf_u64(buf, line->destination_port);
    buf_lit(buf, "\r\n");
}

static void write_u16(struct buf *buf, uint16_t value)
{
    buf_char(buf, (char)(value >> 8));
    buf_char(buf, (char)(value & 0xff));
}

static void write_v2(struct buf *buf, const struct proxyline *line)
{
    bool v4 = is_v4(line);
    size_t skip = v4 ? 12 : 0; /* of the IPv6 form */

    buf_add(buf, signature, SIGNATURE_LEN);
    buf_char(buf, line->known ? V2_COMMAND_PROXY : V2_COMMAND_LOCAL);
    buf_char(buf, !line->known ? V2_UNSPECIFIED : v4 ? V2_TCP4 : V2_TCP6);
    write_u16(buf, !line->known ? 0 : v4 ? V2_IPV4_LEN : V2_IPV6_LEN);
    if (!line->known)
        return;
    buf_add(buf, (const char *)line->source.bytes + skip, sizeof line->source.bytes - skip);
    buf_add(buf, (const char *)line->destination.bytes + skip, sizeof line->destination.bytes - skip);
    write_u16(buf, line->source_port);
    write_u16(buf, line->destination_port);
}

void proxyline_write(struct buf *buf, unsigned version, const struct proxyline *line)
{
    if (version == 1)
        write_v1(buf, line);
    else
        write_v2(buf, line);
}
