/*
 * The kinds of values that both tables share: each is a schema_type. What only one table needs (an address, a
 * window's days) stands with that table.
 *
 * Each says what its place in the struct must be; schema_check in the unit tests holds the tables to it.
 */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/schema.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * type      place                 range in            written as
 * string    char *, or char[n]    bytes               any text without control characters
 * lines     char *                bytes               any text
 * name      char *, or char[n]    -                   [A-Za-z0-9._-], at most 63 bytes
 * token     char *, or char[n]    -                   a token of RFC 9110, as header and cookie names are
 * path      char *                -                   a file or folder; relative ones begin at the folder of
 * the file secret    char *                -                   the text itself, or file:PATH secretFile char
 * *               -                   the path of a file that holds it prefix    char *, or char[n]    - the
 * beginning of a URL path, by whole segments duration  int64_t               ns                  250ms size
 * uint32_t, uint64_t    bytes               64KiB count     any integer           itself              10
 * percent   uint32_t              hundredths          12.5
 * share     double                millionths          0.01
 * number    double                -                   any decimal number
 * flag      bool                  -                   true, false
 * word      any integer           -                   one of schema_words()
 */
extern const struct schema_type type_string, type_lines, type_name, type_token, type_path, type_secret,
    type_kept_secret, type_secret_file, type_prefix, type_duration, type_size, type_count, type_percent,
    type_share, type_number, type_flag, type_word;

/*
 * A decimal number without sign (12, 0.01, 1e-3) times 10^decimals, exactly. False when it is no number, when
 * it has more decimals than that, or when it is beyond 10^18. Pure.
 */
MUST_CHECK bool decimal_parse(struct str s, unsigned decimals, uint64_t *scaled_r);

/* Copies a text to where a text type keeps it: a char array of the setting's width, or fresh heap memory in
 * place of what is there. The caller has checked the length. */
void type_text_store(const struct setting *setting, void *at, struct str text);
/* Whether requests with this method may be copied (mirror): those that are known and passed on. What is
 * copied by its method has to be known, for others could be anything. */
bool method_may_be_copied(const char *name);
#define METHOD_NOT_COPIED "cannot be copied; those of RFC 9110 and PATCH can, in capitals"
/* Characters of a token (RFC 9110 section 5.6.2), at least one. */
bool is_token(struct str s);

#endif
