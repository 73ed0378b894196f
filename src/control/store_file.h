/*
 * A file, mostly a small one of JSON, that is replaced as a whole: a temporary file beside it, written,
 * synced and renamed, so that a reader finds the old or the new one, whatever happens in between. Thread:
 * any, one writer a path.
 */
#ifndef CONTROL_STORE_FILE_H
#define CONTROL_STORE_FILE_H

#include "base/bug.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The file's object, a new reference. Errors: NULL with the reason in `why`, which is empty when there is no
 * file. */
MUST_CHECK json_t *store_file_read(const char *path, char *why, size_t why_len);
/* Replaces the file (mode 0600). Errors: false with the reason in `why`; the old one is then still there. */
MUST_CHECK bool store_file_write(const char *path, const json_t *json, char *why, size_t why_len);
/* The same with text. */
MUST_CHECK bool store_file_replace(const char *path, const char *text, char *why, size_t why_len);

#endif
