/* `penstock rollout`; see its subcommand for what it does. */
#ifndef CLI_ROLLOUT_H
#define CLI_ROLLOUT_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_rollout;

#endif
