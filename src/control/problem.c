#include "control/problem.h"

#include "base/mem.h"
#include "proto/status.h"

#include <stdlib.h>

/* Parts of a detail may come from the client, and then need not be UTF-8. */
static json_t *plain(const char *text)
{
    json_t *string = json_string(text);
    char *copy;

    if (string)
        return string;
    copy = mem_strdup(text);
    for (char *c = copy; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

void problem_write(struct text *out, unsigned status, const char *detail, const json_t *errors)
{
    struct str title = status_reason(status);
    json_t *problem = json_object();
    char *text;

    json_object_set_new(problem, "type", json_string("about:blank"));
    json_object_set_new(problem, "title",
                        json_stringn(title.len ? title.p : "Error", title.len ? title.len : 5));
    json_object_set_new(problem, "status", json_integer((json_int_t)status));
    json_object_set_new(problem, "detail", plain(detail));
    if (errors)
        json_object_set(problem, "errors", (json_t *)(uintptr_t)errors);
    text = json_dumps(problem, JSON_COMPACT);
    text_printf(out, "%s\n", text);
    free(text);
    json_decref(problem);
}
