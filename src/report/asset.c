#include "report/asset.h"

#include <string.h>

const struct asset *asset_find(const struct asset *list, const char *name)
{
    while (list->name && strcmp(list->name, name) != 0)
        list++;
    return list->name ? list : NULL;
}
