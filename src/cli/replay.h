/* `penstock replay`; see its subcommand for what it does. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_replay;

#endif
