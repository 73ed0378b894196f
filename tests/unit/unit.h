/*
 * What every unit test shares: a main() that runs one suite and prints TAP on standard output.
 * A test file defines unit_suite(); the case names are what the TAP lines carry.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

/* Makes the suite of this program. Defined once by each tests/unit/<folder>/test_<module>.c. */
Suite *unit_suite(void);

#endif
