/*
 * `penstock report`: what access logs say of each platform behind each route.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/subcommand.h"

extern const struct subcommand subcommand_report;

#endif
