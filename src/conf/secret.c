#include "conf/secret.h"

#include "base/mem.h"
#include "conf/input.h"

#include <stdlib.h>
#include <string.h>

const char *secret_refine(struct str *secret)
{
    while (secret->len && (secret->p[secret->len - 1] == '\n' || secret->p[secret->len - 1] == '\r'))
        secret->len--;
    for (size_t i = 0; i < secret->len; i++)
        if (secret->p[i] <= ' ' || secret->p[i] >= 0x7f)
            return "has blanks or other characters beyond printable ASCII";
    return secret->len ? NULL : "is empty";
}

char *secret_read(const char *path, char **why_r)
{
    size_t len;
    char *bytes = input_read(path, SECRET_MAX, &len, why_r), *secret = NULL;
    struct str text = {bytes, len};
    const char *wrong;

    if (!bytes)
        return NULL;
    wrong = secret_refine(&text);
    if (wrong)
        *why_r = mem_printf("the secret %s", wrong);
    else
        secret = mem_strndup(text.p, text.len);
    explicit_bzero(bytes, len);
    free(bytes);
    return secret;
}
