/* `penstock serve`; see its subcommand for what it does. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_serve;

#endif
