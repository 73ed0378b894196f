/*
 * `penstock override sign|verify`: makes the signed values with which testers choose a side, and says what
 * one is good for. Reads the configuration alone; a value is good at once, without a word to the running
 * proxy.
 */
#ifndef CLI_OVERRIDE_H
#define CLI_OVERRIDE_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_override;

#endif
