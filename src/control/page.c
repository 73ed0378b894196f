#include "control/page.h"

#include "control/call.h"
#include "proto/head.h"
#include "report/asset.h"

#include <stdio.h>
#include <string.h>

/* Nothing but our own files runs or is asked for, nobody frames us, and a form leads nowhere. */
#define POLICY                                                                                               \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "     \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"

enum { FIELDS_MAX = 512 };

/* Whether one of the tags that the client has is this one (RFC 9110 section 13.1.2; our tags have no comma).
 */
static bool has_it(const struct head *head, const char *tag)
{
    struct str list = head_value(head, FIELD_IF_NONE_MATCH), item;

    while (list.p && str_split(&list, ',', &item)) {
        item = str_trim(item);
        if (str_starts_with(item, STR("W/")))
            item = (struct str){item.p + 2, item.len - 2};
        if (str_eq(item, str_from(tag)) || str_eq(item, STR("*")))
            return true;
    }
    return false;
}

static void answer_file(struct call *call, const struct asset *file)
{
    bool unchanged = has_it(call->request->head, file->tag);
    struct admin_answer answer = {.status = unchanged ? 304 : 200, .type = file->type};
    char fields[FIELDS_MAX];
    struct text body;

    snprintf(fields, sizeof fields, "Cache-Control: no-cache\r\nETag: %s\r\n" POLICY, file->tag);
    text_init(&body, file->len);
    text_add(&body, file->bytes, file->len);
    answer.policy = fields;
    answer.body = unchanged ? NULL : &body;
    admin_answer(call->request, &answer);
    text_fini(&body);
}

void page_root(struct call *call)
{
    answer_file(call, &page_assets[0]);
}

void page_file(struct call *call)
{
    const struct asset *file = asset_find(page_assets, call->params[0]);

    if (!file)
        file = asset_find(report_assets, call->params[0]); /* the charting library */
    if (file)
        answer_file(call, file);
    else
        call_refuse(call, 404, NULL, NULL, "the page has no file %s", call->params[0]);
}
