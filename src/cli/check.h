/* `penstock check`; see its subcommand for what it does. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_check;

#endif
