#include "proto/grpc.h"

#include "base/clk.h"

enum { TIMEOUT_DIGITS_MAX = 8 };

bool grpc_is_type(struct str type)
{
    struct str name = STR("application/grpc");

    if (type.len < name.len || !str_eq_nocase((struct str){type.p, name.len}, name))
        return false;
    return type.len == name.len || type.p[name.len] == '+' || type.p[name.len] == ';';
}

static int64_t unit_ns(char unit)
{
    switch (unit) {
    case 'H':
        return 3600 * NS_PER_S;
    case 'M':
        return 60 * NS_PER_S;
    case 'S':
        return NS_PER_S;
    case 'm':
        return NS_PER_MS;
    case 'u':
        return 1000;
    case 'n':
        return 1;
    }
    return 0;
}

int64_t grpc_timeout_ns(struct str text)
{
    uint64_t value;
    int64_t unit;

    if (text.len < 2 || text.len > TIMEOUT_DIGITS_MAX + 1 ||
        !str_to_u64((struct str){text.p, text.len - 1}, &value))
        return 0;
    unit = unit_ns(text.p[text.len - 1]);
    if (unit == 0)
        return 0;
    if (value == 0)
        return 1;
    return (int64_t)value < GRPC_TIMEOUT_MAX_NS / unit ? (int64_t)value * unit : GRPC_TIMEOUT_MAX_NS;
}

enum grpc_status grpc_status_from(struct str text)
{
    uint64_t number;

    return str_to_u64(text, &number) && number < GRPC_STATUS_LEN ? (enum grpc_status)number : GRPC_UNKNOWN;
}

const char *grpc_status_name(enum grpc_status status)
{
    static const char *const names[GRPC_STATUS_LEN] = {
#define GRPC(id, number, name) [GRPC_##id] = name,
#include "proto/grpc.def"
#undef GRPC
    };

    return names[status];
}

enum grpc_status grpc_status_of_http(unsigned status)
{
    switch (status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    }
    return GRPC_UNKNOWN;
}

void grpc_write_message(struct buf *buf, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c >= 0x20 && c < 0x7f && c != '%') {
            buf_char(buf, text.p[i]);
            continue;
        }
        buf_char(buf, '%');
        buf_char(buf, digits[c >> 4]);
        buf_char(buf, digits[c & 15]);
    }
}
