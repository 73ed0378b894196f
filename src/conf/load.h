/*
 * From a file to a struct config. Everything that can be wrong with it is found in one run; a configuration
 * that loads has been checked whole, and nobody checks it again.
 *
 * Blocks on files and the resolver. Thread: control, or a command.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"
#include "conf/report.h"

#include <stdbool.h>

/*
 * Loads a configuration; "-" is standard input. Ownership: the result has one reference, the caller's.
 * Errors: NULL when there was any error. Errors and warnings go to `report`; ask it also on success.
 */
MUST_CHECK struct config *config_load(const char *path, struct conf_report *report);

/*
 * The same from memory, under the name `name`. Relative paths begin at `folder`. With `offline` neither files
 * are read (a secret in a file stays unset) nor names resolved nor variables expanded: for fuzzing, and for
 * text that somebody else sent.
 */
MUST_CHECK struct config *config_load_bytes(const char *name, struct str bytes, const char *folder,
                                            bool offline, struct conf_report *report);

#endif
