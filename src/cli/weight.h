/* `penstock weight`; see its subcommand for what it does. */
#ifndef CLI_WEIGHT_H
#define CLI_WEIGHT_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_weight;

#endif
