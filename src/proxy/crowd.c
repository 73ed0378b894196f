#include "proxy/crowd.h"

#include "base/str.h"

enum { SUBSCRIBER_LEN = 8 }; /* bytes of an IPv6 /64 */

void crowd_init(struct crowd *crowd)
{
    hash_key_init(&crowd->key);
}

struct crowd_place crowd_find(const struct crowd *crowd, const struct ip *ip)
{
    struct str bytes = {(const char *)ip->bytes, ip_is_v4(ip) ? sizeof ip->bytes : SUBSCRIBER_LEN};
    uint64_t hash = hash_keyed(&crowd->key, bytes);

    return (struct crowd_place){{hash % CROWD_CELLS, (hash >> 32) % CROWD_CELLS}};
}

bool crowd_enter(struct crowd_counts *counts, struct crowd_place place, uint32_t most)
{
    uint32_t least = UINT32_MAX;

    for (size_t row = 0; row < CROWD_ROWS; row++) {
        uint32_t before =
            atomic_fetch_add_explicit(&counts->cells[row][place.cells[row]], 1, memory_order_relaxed);

        least = before < least ? before : least;
    }
    if (least < most)
        return true;
    crowd_leave(counts, place);
    return false;
}

void crowd_leave(struct crowd_counts *counts, struct crowd_place place)
{
    for (size_t row = 0; row < CROWD_ROWS; row++)
        atomic_fetch_sub_explicit(&counts->cells[row][place.cells[row]], 1, memory_order_relaxed);
}
