/* `penstock drain`; see its subcommand for what it does. */
#ifndef CLI_DRAIN_H
#define CLI_DRAIN_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_drain;

#endif
