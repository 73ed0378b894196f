/*
 * The files of the demo: a configuration, a plan and a token in a folder of their own below $TMPDIR, as a
 * person would write them. They are removed with everything that penstock put beside them.
 */
#ifndef CLI_DEMO_FILES_H
#define CLI_DEMO_FILES_H

#include "base/bug.h"
#include "base/str.h"
#include "cli/demo_target.h"

#include <stdbool.h>

enum { DEMO_PLAN_MAX = 4096 };

struct demo_files {
    char *folder;
    char *config; /* path of the configuration */
    char *plan;   /* text of the plan; on disk as well, to be looked at */
    char *token;  /* for writes to the admin API */
    char *errors; /* path for what would disturb a live view */
};

struct demo_setup {
    const struct demo_group *stable, *canary;
    size_t targets;                        /* in each */
    const char *stable_name, *canary_name; /* group and platform */
    double speed;
    const char *access_log; /* path, or NULL for none */
};

/* The plan with its times divided by speed. Pure. */
void demo_plan_write(struct text *out, double speed);

/* False with the reason in `why`; call demo_files_remove all the same. */
MUST_CHECK bool demo_files_make(struct demo_files *files, const struct demo_setup *setup,
                                char why[static DEMO_WHY_MAX]);
/* Removes the folder and what is in it, and frees. */
void demo_files_remove(struct demo_files *files);

#endif
