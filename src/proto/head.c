#include "proto/head.h"

void head_init(struct head *head, struct field *fields, size_t cap)
{
    BUG_ON(cap > HEAD_FIELDS_MAX);
    *head = (struct head){.fields = fields, .cap = cap};
}

/* Hangs the field at the end of the chain of its id. */
static void chain(struct head *head, const struct field *field)
{
    uint8_t *link = &head->first[field->id];

    if (field->id == FIELD_OTHER)
        return;
    while (*link)
        link = &head->fields[*link - 1].next;
    *link = (uint8_t)(field - head->fields + 1);
}

bool head_put(struct head *head, const struct field *field)
{
    struct field *own;

    if (head->len == head->cap)
        return false;
    own = &head->fields[head->len++];
    *own = *field;
    own->next = 0;
    chain(head, own);
    head->may_alias |= (field->flags & FIELD_ALIAS) != 0;
    return true;
}

bool head_add(struct head *head, struct str name, struct str value, bool alias)
{
    struct field field;

    field_set(&field, name, value, alias);
    return head_put(head, &field);
}

const struct field *head_find_name(const struct head *head, struct str name, size_t from)
{
    for (size_t i = from; i < head->len; i++)
        if (str_eq_nocase(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}

bool list_has(struct str list, struct str element)
{
    struct str piece;

    while (str_split(&list, ',', &piece))
        if (str_eq_nocase(str_trim(piece), element))
            return true;
    return false;
}

bool head_lists(const struct head *head, enum field_id id, struct str element)
{
    for (const struct field *f = head_find(head, id); f; f = head_next(head, f))
        if (list_has(f->value, element))
            return true;
    return false;
}

void head_drop(struct head *head, enum field_id id)
{
    for (unsigned at = head->first[id]; at; at = head->fields[at - 1].next)
        head->fields[at - 1].flags |= FIELD_HOP;
}

size_t head_drop_alike(struct head *head, struct str name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->len; i++) {
        if (!field_name_alike(head->fields[i].name, name))
            continue;
        head->fields[i].flags |= FIELD_HOP;
        count++;
    }
    return count;
}

bool head_connection_names(const struct head *head, struct str name)
{
    return head_lists(head, FIELD_CONNECTION, name);
}
