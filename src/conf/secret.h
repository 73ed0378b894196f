/*
 * Secrets, which are printable ASCII without blanks; those of a file may end in line ends, which are no part
 * of them. Whoever uses one for long keeps its path, to read it again when the file has changed.
 */
#ifndef CONF_SECRET_H
#define CONF_SECRET_H

#include "base/bug.h"
#include "base/str.h"

enum { SECRET_MAX = 4096 }; /* bytes of a file */

/* What type_kept_secret reads. */
struct kept_secret {
    char *text; /* as it was when the configuration was loaded; NULL: none */
    char *path; /* of its file; NULL: it stands in the configuration itself */
};

/* Takes the line ends off. Says what is wrong with the rest, to stand behind "the secret"; NULL: nothing.
 * Pure. */
MUST_CHECK const char *secret_refine(struct str *secret);
/* The secret that a file holds now; the caller frees it. NULL with the reason, which the caller frees.
 * Blocks.
 */
MUST_CHECK char *secret_read(const char *path, char **why_r);

#endif
