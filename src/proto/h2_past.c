#include "proto/h2_past.h"

#include <string.h>

static uint64_t bit_of(int32_t id)
{
    return (uint64_t)1 << (id / 2 % 64);
}

static size_t word_of(int32_t id)
{
    return (size_t)(id / 2 / 64 % H2_PAST_WORDS);
}

static bool is_remembered(const struct h2_past *past, int32_t id)
{
    return id % 2 && id <= past->highest && id > past->highest - 2 * H2_PAST_STREAMS;
}

void h2_past_begin(struct h2_past *past, int32_t id)
{
    if (id - past->highest >= 2 * H2_PAST_STREAMS) {
        memset(past->begun, 0, sizeof past->begun);
        memset(past->ended, 0, sizeof past->ended);
    } else {
        for (int32_t i = id; i > past->highest; i--) {
            past->begun[word_of(i)] &= ~bit_of(i);
            past->ended[word_of(i)] &= ~bit_of(i);
        }
    }
    past->begun[word_of(id)] |= bit_of(id);
    past->highest = id;
}

void h2_past_end(struct h2_past *past, int32_t id)
{
    if (is_remembered(past, id))
        past->ended[word_of(id)] |= bit_of(id);
}

bool h2_past_has_ended(const struct h2_past *past, int32_t id)
{
    return is_remembered(past, id) && past->ended[word_of(id)] & bit_of(id);
}

bool h2_past_has_begun(const struct h2_past *past, int32_t id)
{
    return !is_remembered(past, id) || past->begun[word_of(id)] & bit_of(id);
}
