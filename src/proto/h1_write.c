#include "proto/h1_write.h"

#include "proto/octet.h"

static bool fits_in_a_line(struct str s)
{
    return octet_find_control(s.p, s.p + s.len) == s.p + s.len;
}

static void refuse(struct buf *buf)
{
    buf->full = true;
}

void h1_write_request_line(struct buf *buf, struct str method, struct str path, struct str query)
{
    if (!octet_all(method, OCTET_TOKEN) || !octet_all(path, OCTET_TARGET) ||
        (query.len && !octet_all(query, OCTET_TARGET))) {
        refuse(buf);
        return;
    }
    buf_str_add(buf, method);
    buf_char(buf, ' ');
    buf_str_add(buf, path);
    buf_str_add(buf, query);
    buf_lit(buf, " HTTP/1.1\r\n");
}

void h1_write_status_line(struct buf *buf, unsigned status, struct str reason)
{
    if (status < 100 || status > 599 || !fits_in_a_line(reason)) {
        refuse(buf);
        return;
    }
    buf_lit(buf, "HTTP/1.1 ");
    buf_u64(buf, status);
    buf_char(buf, ' ');
    buf_str_add(buf, reason);
    buf_lit(buf, "\r\n");
}

static char *put(char *at, struct str s)
{
    if (s.len)
        memcpy(at, s.p, s.len);
    return at + s.len;
}

/* Four copies behind one look at the room. */
static void write_line(struct buf *buf, struct str name, struct str value)
{
    size_t len = name.len + value.len + 4;
    char *at = buf->p + buf->len;

    if (buf->full || len > buf->cap - buf->len) {
        refuse(buf);
        return;
    }
    at = put(at, name);
    at = put(at, STR(": "));
    at = put(at, value);
    put(at, STR("\r\n"));
    buf->len += len;
}

void h1_write_field(struct buf *buf, struct str name, struct str value)
{
    if (octet_all(name, OCTET_TOKEN) && fits_in_a_line(value))
        write_line(buf, name, value);
    else
        refuse(buf);
}

void h1_write_parsed(struct buf *buf, const struct field *field)
{
    write_line(buf, field->name, field->value);
}

void h1_write_number(struct buf *buf, struct str name, uint64_t value)
{
    char digits[20];
    struct buf number;

    buf_init(&number, digits, sizeof digits);
    buf_u64(&number, value);
    h1_write_field(buf, name, buf_str(&number));
}

void h1_write_end(struct buf *buf)
{
    buf_lit(buf, "\r\n");
}

void h1_write_chunk(struct buf *buf, uint64_t size)
{
    unsigned digits = 1;

    BUG_ON(size == 0);
    while (digits < 16 && size >> 4 * digits)
        digits++;
    buf_hex(buf, size, digits);
    buf_lit(buf, "\r\n");
}

void h1_write_last_chunk(struct buf *buf)
{
    buf_lit(buf, "0\r\n");
}
