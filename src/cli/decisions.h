/* `penstock decisions`; see its subcommand for what it does. */
#ifndef CLI_DECISIONS_H
#define CLI_DECISIONS_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_decisions;

#endif
