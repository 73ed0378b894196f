/*
 * The demo's clients: requests that arrive at random (Poisson), whatever becomes of the ones before (open
 * loop), from many users, over connections that are kept. One thread.
 */
#ifndef CLI_DEMO_TRAFFIC_H
#define CLI_DEMO_TRAFFIC_H

#include "base/bug.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { TRAFFIC_WHY_MAX = 256 };

/* The request header that says which user asks; the demo's plan takes it as the unit. */
#define DEMO_USER_HEADER "X-Demo-User"

struct demo_traffic_options {
    struct sockaddr_in to;
    const char *host; /* for the Host header; borrowed for the call */
    double rate;      /* requests a second */
    uint32_t users;
    uint64_t seed;
};

/* What the clients saw. */
struct demo_traffic_counts {
    uint64_t sent;
    uint64_t good;   /* answered with a status below 500 */
    uint64_t failed; /* answered with 500 and above */
    uint64_t broken; /* no answer: the connection was refused or cut */
    uint64_t late;   /* not sent: every connection was busy */
};

struct demo_traffic;

MUST_CHECK struct demo_traffic *demo_traffic_start(const struct demo_traffic_options *options,
                                                   char why[static TRAFFIC_WHY_MAX]);
/* Sends nothing more, waits a short time for the answers that are out, and ends. NULL is allowed. */
void demo_traffic_free(struct demo_traffic *traffic);
/* Thread: any. */
void demo_traffic_count(const struct demo_traffic *traffic, struct demo_traffic_counts *counts_r);

#endif
