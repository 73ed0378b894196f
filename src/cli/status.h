/* `penstock status`; see its subcommand for what it does. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_status;

#endif
