/*
 * GET /: the page for people. Its files stand in src/control/page, with the charting library from the
 * machine's package, and become part of the program during the build (page/embed.c). They know nothing: what
 * they show they ask the API for, by its rules. So they are served to everybody who asks under our own name.
 *
 * Thread: control.
 */
#ifndef CONTROL_PAGE_H
#define CONTROL_PAGE_H

#include <stddef.h>

struct call;

struct page_file {
    const char *name; /* the last segment of its path */
    const char *type;
    const char *bytes;
    size_t len;
    const char *tag; /* ETag, with its quotes */
};

/* Made by page/embed.c; the first one is the page itself. */
extern const struct page_file page_files[];
extern const size_t page_files_len;

/* GET / */
void page_root(struct call *call);
/* GET /page/{file} */
void page_file(struct call *call);

#endif
