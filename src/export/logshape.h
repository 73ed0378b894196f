/*
 * The names of a preset: where the fields of proxy/logfield.def stand in a line of JSON, or behind which
 * labels in one of LTSV. One shape serves both directions, the writer (export/logformat) and the reader
 * (export/logread).
 *
 * Thread: any; pure.
 */
#ifndef EXPORT_LOGSHAPE_H
#define EXPORT_LOGSHAPE_H

#include "base/str.h"
#include "conf/config.h"

#include <stddef.h>
#include <stdint.h>

enum logfield {
#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text) LOGFIELD_##id,
#define LOG_GROUP(name)
#define LOG_END
#define LOG_LABELS
#define LOG_LABELS_END
#define LOG_PART(id, ecs, otel, ltsv, text) LOGFIELD_##id,
#include "proxy/logfield.def"
#undef LOG_FIELD
#undef LOG_GROUP
#undef LOG_END
#undef LOG_LABELS
#undef LOG_LABELS_END
#undef LOG_PART
    LOGFIELDS,
    LOGFIELD_PARTS = LOGFIELD_URL_SCHEME, /* from here on they are parts of the others */
};

enum logshape_kind {
    LOGSHAPE_OPEN,  /* a nested object begins */
    LOGSHAPE_CLOSE, /* it ends; without members it is not written */
    LOGSHAPE_VALUE, /* a field, as it stands in our own line */
    LOGSHAPE_TEXT,  /* a part, which has no quotes yet */
    LOGSHAPE_EACH,  /* the members of a field that is an object, each under a name that begins alike */
    LOGSHAPE_FIXED, /* a value that is always the same, with its name */
};

/* How a name stands in a line, with what is between it and its value (`":`, in LTSV `:`): so a reader sees
 * with two comparisons whether it is there. Bytes are numbers as scan_word() reads them. */
struct logshape_key {
    size_t len;
    uint64_t head, mask; /* the first eight bytes, and which of them it has */
    uint64_t tail;       /* the last eight, if it has so many */
};

struct logshape_row {
    enum logshape_kind kind;
    enum logfield field;
    struct str name; /* of CLOSE: empty */
    struct logshape_key key;
};

enum { LOGSHAPE_MAX = 192 };

struct logshape {
    struct logshape_row rows[LOGSHAPE_MAX + 1]; /* behind the last one stands a CLOSE, for readers */
    size_t len;
};

/* That of our own lines, the preset json; a CLOSE stands at its end. */
extern const struct logshape_row logshape_native[];
/* That of the presets ecs, otel and ltsv. Of the others it is empty: what has no names has places, and ours
 * is written already. */
void logshape_init(struct logshape *shape, enum config_log_format preset);

#endif
