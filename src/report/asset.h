/*
 * Files that became part of the program during the build (report/embed.c): those of the dashboard, which
 * control/page serves, and those of a report, which report/html puts into its page. The charting library is
 * in the latter list, and serves both.
 */
#ifndef REPORT_ASSET_H
#define REPORT_ASSET_H

#include <stddef.h>

struct asset {
    const char *name; /* NULL ends a list */
    const char *type;
    const char *bytes;
    size_t len;
    const char *tag; /* ETag, with its quotes */
};

/* Made by report/embed.c. Of the dashboard the first one is the page itself. */
extern const struct asset page_assets[];
extern const struct asset report_assets[];

/* The asset of that name, or NULL. */
const struct asset *asset_find(const struct asset *list, const char *name);

#endif
