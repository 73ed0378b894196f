/* `penstock demo`; see its subcommand for what it does. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_demo;

#endif
