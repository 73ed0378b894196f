#include "control/store_weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *store_weights_new(void)
{
    return json_pack("{s:i}", "version", 1);
}

static json_t *weights_of(json_t *file)
{
    json_t *weights = json_object_get(file, "weights");

    if (!json_is_object(weights)) {
        json_object_set_new(file, "weights", json_object());
        weights = json_object_get(file, "weights");
    }
    return weights;
}

static bool weight_from_json(const char *route, json_t *json, struct store_weight *weight_r)
{
    json_int_t weight, wall_ns;
    int locked, locked_back;
    const char *source;

    if (json_unpack(json, "{s:I, s:b, s:b, s:s, s:I}", "weight", &weight, "locked", &locked, "lockedBack",
                    &locked_back, "source", &source, "at", &wall_ns) ||
        weight < 0 || weight > 10000)
        return false;
    *weight_r = (struct store_weight){.route = route,
                                      .weight = (uint32_t)weight,
                                      .locked = locked,
                                      .locked_back = locked_back,
                                      .source = source,
                                      .wall_ns = wall_ns};
    return true;
}

static bool same_weight(const struct store_weight *a, const struct store_weight *b)
{
    return a->weight == b->weight && a->locked == b->locked && a->locked_back == b->locked_back &&
           !strcmp(a->source, b->source);
}

bool store_weights_set(json_t *file, const struct store_weight *weight)
{
    json_t *weights = weights_of(file);
    struct store_weight known;

    if (weight_from_json(weight->route, json_object_get(weights, weight->route), &known) &&
        (known.wall_ns > weight->wall_ns || same_weight(&known, weight)))
        return false;
    json_object_set_new(weights, weight->route,
                        json_pack("{s:I, s:b, s:b, s:s, s:I}", "weight", (json_int_t)weight->weight, "locked",
                                  (int)weight->locked, "lockedBack", (int)weight->locked_back, "source",
                                  weight->source, "at", (json_int_t)weight->wall_ns));
    return true;
}

void store_weights_each(json_t *file, void (*each)(void *arg, const struct store_weight *weight), void *arg)
{
    const char *route;
    json_t *json;

    json_object_foreach(weights_of(file), route, json)
    {
        struct store_weight weight;

        if (weight_from_json(route, json, &weight))
            each(arg, &weight);
    }
}

void store_key_text(const struct hash_key *key, char out[static STORE_KEY_LEN])
{
    snprintf(out, STORE_KEY_LEN, "%016" PRIx64 "%016" PRIx64, key->k0, key->k1);
}

bool store_key_parse(const char *text, struct hash_key *key_r)
{
    char half[17] = "";

    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
        return false;
    memcpy(half, text, 16);
    key_r->k0 = strtoull(half, NULL, 16);
    key_r->k1 = strtoull(text + 16, NULL, 16);
    return true;
}
