/*
 * The reader of lines that have names: where each field of proxy/logfield.def stands in one. Nothing is
 * decoded and nothing copied, so that it costs about as much as a look at every byte.
 *
 * Sinks read our own lines through this; commands read logs through export/logreader, which is built on it.
 * Thread: any; pure.
 */
#ifndef EXPORT_LOGREAD_H
#define EXPORT_LOGREAD_H

#include "base/bug.h"
#include "base/str.h"
#include "export/logshape.h"

#include <stdbool.h>
#include <stdint.h>

/* Values as they stand in the line: texts in their quotes, with their escapes; absent ones have p == NULL.
 * Parts are left absent: logread_parts fills them in. */
struct logread {
    struct str at[LOGFIELDS];
};

/*
 * Finds the fields of a line, with or without its LF. Fields may stand in any order, and unknown ones are
 * passed over. Ownership: the values are borrowed from the line.  Errors: false when the line is no JSON
 * object as far as this looks (values are not checked).
 */
MUST_CHECK bool logread_line(struct str line, struct logread *read_r);
/* The same of a line in another preset, whose names these rows are (struct logshape). */
MUST_CHECK bool logread_shaped(const struct logshape_row *rows, struct str line, struct logread *read_r);
/* Of a line of LTSV: labels and values with tabs between them. False when there is not one label. */
MUST_CHECK bool logread_ltsv(const struct logshape_row *rows, struct str line, struct logread *read_r);
/* When the request's first byte arrived, since 1970; 0 when the line does not say. */
int64_t logread_wall_ns(const struct logread *read);
/* Fills in the parts. The texts are without quotes. */
void logread_parts(struct logread *read);
/* A text without its quotes; anything else as it is. */
struct str logread_text(struct str value);
/* The next member of an object such as request_headers: moves *rest behind it. False at the end. `name_r` is
 * without its quotes, `value_r` as it stands there. Begin with the whole object. */
MUST_CHECK bool logread_member(struct str *rest, struct str *name_r, struct str *value_r);
/* Adds a text (without its quotes) with its escapes taken away: \u00NN is the byte NN, as buf_json has
 * written it. */
void logread_decode(struct str text, struct buf *out);

#endif
