/*
 * What the short forms (conf/shortform) have in common: the plan that is made, and the reading of what it is
 * made from. Thread: any; nothing is shared.
 */
#ifndef CONF_SHORTFORM_MAKER_H
#define CONF_SHORTFORM_MAKER_H

#include "conf/schema.h"
#include "conf/tree.h"

#include <stddef.h>
#include <stdint.h>

/* What is made, before it goes to where the short form stood. */
struct maker {
    struct schema_reader *reader;
    struct tree made;   /* a map: the keys that the plan gets */
    struct tree *steps; /* the list in it; NULL: no short form */
    size_t judged;      /* Argo: so many of the steps made are not judged, but for the last one */
};

void maker_refuse(struct maker *maker, const struct tree *node, const char *key, const char *text);
/* `known` is a list with blanks around each word; `form` says whose. */
void maker_check_keys(struct maker *maker, const struct tree *map, const char *form, const char *known);
/* A percentage in hundredths, or a problem and 0. */
uint32_t maker_percent(struct maker *maker, const struct tree *node, const char *key);
/* The whole number of a key, the default when it is missing (NULL), or a problem and 0. */
uint64_t maker_number(struct maker *maker, const struct tree *node, const char *key, uint64_t fallback);

/* Begins the list of steps, which stands at the place of `at`. */
struct tree *maker_begin(struct maker *maker, const struct tree *at);
/* A step with a weight in hundredths of a percent. */
struct tree *maker_add_weight(struct maker *maker, uint32_t weight, const struct tree *at);

#endif
