/*
 * What the tables of settings say about themselves: the manual, the JSON Schema and the example. Printed when
 * the program is built, so that no text about a setting is ever older than the setting.
 *
 * Thread: any; pure.
 */
#ifndef CONF_DOC_H
#define CONF_DOC_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/schema.h"

#include <jansson.h>

/* A kind of file. */
struct doc {
    const struct section *section;
    const char *name;    /* of its manual page: "penstock.yaml" */
    const char *title;   /* "configuration of penstock" */
    const char *text;    /* what it is, a paragraph for the manual */
    const char *related; /* further pages, "penstock(1), penstock-plan(5)" */
    bool shortforms;     /* the plans of others are taken too */
};

extern const struct doc doc_config, doc_plan;

enum { DOC_MAX = 1 << 20 }; /* bytes that a text of doc_manual or doc_example may have */

/* Adds the whole page of section 5, in man(7). `version` is the program's. */
void doc_manual(const struct doc *doc, const char *version, struct text *out);
/* Adds a file that loads: every key with its meaning, those that may be left out as comments with their
 * defaults. */
void doc_example(const struct doc *doc, struct text *out);
/* The JSON Schema (draft 2020-12) for editors and CI; a new reference. It is weaker than the reader: what two
 * settings mean together is not in it. */
json_t *doc_schema(const struct doc *doc);

#endif
