#include "conf/shortform_maker.h"

#include "base/mem.h"
#include "decide/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTES_MAX = 366 * 24 * 60 };

void maker_refuse(struct maker *maker, const struct tree *node, const char *key, const char *text)
{
    schema_problem(maker->reader, CONF_ERROR, node, "%s: %s", key, text);
}

void maker_check_keys(struct maker *maker, const struct tree *map, const char *form, const char *known)
{
    for (size_t i = 0; map->kind == TREE_MAP && i < map->len; i++) {
        char *word = mem_printf(" %s ", map->keys[i].text);

        if (!strstr(known, word))
            schema_problem(maker->reader, CONF_ERROR, &map->keys[i], "%s: unknown key in %s; known here:%s",
                           map->keys[i].text, form, known);
        free(word);
    }
}

uint32_t maker_percent(struct maker *maker, const struct tree *node, const char *key)
{
    char *end = NULL;
    double value = node->kind == TREE_TEXT ? strtod(node->text, &end) : 0;

    if (end && end != node->text && !*end && value >= 0.01 && value <= 100)
        return (uint32_t)lround(value * 100);
    maker_refuse(maker, node, key, "a percentage is needed, 0.01 to 100");
    return 0;
}

uint64_t maker_number(struct maker *maker, const struct tree *node, const char *key, uint64_t fallback)
{
    uint64_t value;

    if (!node)
        return fallback;
    if (node->kind == TREE_TEXT && str_to_u64(str_from(node->text), &value) && value <= MINUTES_MAX)
        return value;
    maker_refuse(maker, node, key, "a whole number is needed, such as 10");
    return 0;
}

struct tree *maker_begin(struct maker *maker, const struct tree *at)
{
    maker->steps = tree_put(&maker->made, "steps", TREE_LIST, at);
    return maker->steps;
}

struct tree *maker_add_weight(struct maker *maker, uint32_t weight, const struct tree *at)
{
    struct tree *step = tree_push(maker->steps, TREE_MAP, at);
    char text[PLAN_PERCENT_LEN];

    tree_put_text(step, "setWeight", plan_percent(weight, text), at);
    return step;
}
