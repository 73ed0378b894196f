/*
 * How much each client address has open, over all workers, so that none can take everything: its connections,
 * and its requests under way. An IPv6 client counts by its /64, which is what one subscriber has.
 *
 * Nothing is stored per address: an address has one counter in each of two rows, found by a keyed hash, and
 * what it has open is the lesser of the two (the count-min sketch of Cormode and Muthukrishnan 2005). So the
 * table is of fixed size and needs no lock. It never counts less than there is: nobody gets beyond the cap,
 * but for requests that pass in the same instant. It counts more only for an address that shares both of its
 * counters with others: with 10,000 addresses that have something open, for about one in twelve, and then by
 * what those few have.
 *
 * Thread: any; relaxed, since a count orders nothing else.
 */
#ifndef PROXY_CROWD_H
#define PROXY_CROWD_H

#include "base/bug.h"
#include "base/ip.h"
#include "base/rnd.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CROWD_ROWS = 2, CROWD_CELLS = 1 << 15 };

struct crowd_counts {
    _Atomic uint32_t cells[CROWD_ROWS][CROWD_CELLS];
};

struct crowd {
    struct hash_key key;
    struct crowd_counts connections, requests;
};

/* The counters of an address. */
struct crowd_place {
    uint16_t cells[CROWD_ROWS];
};

/* `crowd` is zeroed otherwise. */
void crowd_init(struct crowd *crowd);
struct crowd_place crowd_find(const struct crowd *crowd, const struct ip *ip);
/* One more, unless there are `most` already. */
MUST_CHECK bool crowd_enter(struct crowd_counts *counts, struct crowd_place place, uint32_t most);
/* One less, that has entered. */
void crowd_leave(struct crowd_counts *counts, struct crowd_place place);

#endif
