/*
 * Whole files into memory, with a stated maximum.
 */
#ifndef CONF_INPUT_H
#define CONF_INPUT_H

#include "base/bug.h"

#include <stddef.h>

/*
 * Reads a file of at most `max` bytes; "-" is standard input. Ownership: the result is the caller's heap
 * memory, with a NUL behind it. Errors: NULL with a reason in `why_r`, which the caller frees. Blocks.
 */
MUST_CHECK char *input_read(const char *path, size_t max, size_t *len_r, char **why_r);
/* `path` as seen from `folder`: as it is when it is absolute or folder is ".". The caller frees it. */
char *input_path(const char *folder, const char *path);
/* The folder in which a file stands; "." for one without and for "-". The caller frees it. */
char *input_folder(const char *path);

#endif
