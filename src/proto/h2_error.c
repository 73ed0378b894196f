#include "proto/h2_error.h"

struct row {
    enum h2_code code;
    const char *name;
    const char *text;
};

static const struct row rows[H2_ERROR_LEN] = {
    [H2_OK] = {H2_CODE_NO_ERROR, "ok", "no error"},
#define H2_ERROR(id, name, code, text) [H2_##id] = {H2_CODE_##code, name, text},
#include "proto/h2_error.def"
#undef H2_ERROR
};

static const char *const code_names[] = {
#define H2_CODE(id, number, name) [number] = name,
#include "proto/h2_error.def"
#undef H2_CODE
};

const char *h2_code_name(uint32_t code)
{
    return code < ARRAY_LEN(code_names) ? code_names[code] : "UNKNOWN";
}

enum h2_code h2_error_code(enum h2_error error)
{
    return rows[error].code;
}

bool h2_error_is_peers(enum h2_error error)
{
    enum h2_code code = rows[error].code;

    return code != H2_CODE_NO_ERROR && code != H2_CODE_INTERNAL_ERROR && error != H2_MEMORY;
}

const char *h2_error_name(enum h2_error error)
{
    return rows[error].name;
}

const char *h2_error_text(enum h2_error error)
{
    return rows[error].text;
}
