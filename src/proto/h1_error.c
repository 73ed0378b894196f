#include "proto/h1_error.h"

struct row {
    unsigned status;
    const char *name;
    const char *text;
};

static const struct row rows[H1_ERROR_LEN] = {
    [H1_OK] = {0, "OK", "no error"},
#define H1_ERROR(id, status, text) [H1_##id] = {status, #id, text},
#include "proto/h1_error.def"
#undef H1_ERROR
};

unsigned h1_error_status(enum h1_error error)
{
    return rows[error].status;
}

const char *h1_error_name(enum h1_error error)
{
    return rows[error].name;
}

const char *h1_error_text(enum h1_error error)
{
    return rows[error].text;
}
