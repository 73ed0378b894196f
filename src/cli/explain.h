/* `penstock explain`; see its subcommand for what it does. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_explain;

#endif
