/*
 * What every unit test shares: a main() that runs one suite and prints TAP on standard output.
 * A test file defines unit_suite(); the case names are what the TAP lines carry.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

/* Makes the suite of this program. Defined once by each tests/unit/<folder>/test_<module>.c. */
Suite *unit_suite(void);

/*
 * Check notes in a file each assertion that held, so that the report of a crash can say what came last. In a
 * loop of a million draws this is where the time goes; so one that follows itself is noted once.
 */
static _Thread_local __attribute__((unused)) int unit_noted_line;
#define _mark_point(file, line)                                                                              \
    ((line) == unit_noted_line ? (void)0 : (unit_noted_line = (line), (_mark_point)(file, line)))

/* How often to repeat what is only a matter of patience: `often`, or `seldom` where each time costs many
 * times as much: with a sanitizer, which looks at the code and not at the figures, or without optimizing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define UNIT_TIMES(often, seldom) (seldom)
#else
#define UNIT_TIMES(often, seldom) (often)
#endif

#endif
