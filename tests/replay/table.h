/*
 * What came out of many contests: the table for people, and the goals with pass or fail.
 */
#ifndef REPLAY_TABLE_H
#define REPLAY_TABLE_H

#include "contest.h"
#include "family.h"
#include "score.h"

#include <stdbool.h>
#include <stddef.h>

struct table {
    size_t seeds[FAMILIES]; /* 0: the family was left out */
    size_t seeds_max;
    struct score_result *results; /* by contestant, family, seed; owned */
    unsigned who;
};

void table_init(struct table *table, size_t seeds_max, unsigned who);
void table_fini(struct table *table);
struct score_result *table_at(const struct table *table, size_t contestant, enum family_kind kind,
                              size_t seed);

/* Per family a line for each class of figures. */
void table_print(const struct table *table);
/* The bad families in which another judge that finds at least 90 % does less harm than the first. */
void table_print_peers(const struct table *table);

struct goal {
    char text[128];
    double value, limit;
    bool at_least; /* value >= limit is the goal; otherwise value <= limit */
    bool known;    /* the families that it is about were played */
};
enum { GOALS_MAX = 32 };
/* The goals of the first contestant. Their number is returned. */
size_t table_goals(const struct table *table, struct goal goals_r[static GOALS_MAX]);
bool goal_is_met(const struct goal *goal);

#endif
