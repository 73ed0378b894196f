/*
 * Prints what the tables of settings say about themselves; run by the build, not installed.
 *     docgen config|plan manual|schema|example
 */
#include "conf/doc.h"

#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool print(const struct doc *doc, const char *what)
{
    struct text out;
    json_t *schema;
    bool ok;

    if (strcmp(what, "schema") == 0) {
        schema = doc_schema(doc);
        ok = json_dumpf(schema, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
        json_decref(schema);
        return ok;
    }
    text_init(&out, DOC_MAX);
    if (strcmp(what, "manual") == 0)
        doc_manual(doc, PACKAGE_VERSION, &out);
    else
        doc_example(doc, &out);
    ok = !out.full && fwrite(out.p, 1, out.len, stdout) == out.len;
    text_fini(&out);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("docgen config|plan manual|schema|example\n", stderr);
        return 2;
    }
    if (!print(strcmp(argv[1], "plan") == 0 ? &doc_plan : &doc_config, argv[2]) || fflush(stdout) != 0) {
        perror("docgen");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
