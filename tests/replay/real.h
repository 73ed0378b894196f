/*
 * Real, public series, for the families real_*: rates, levels and latencies are measured, statuses and
 * clients are made up. Three repositories, cloned side by side into one folder; nothing of them is kept here:
 *
 *   worldcup98-dataset  github.com/nimamahmoudi/worldcup98-dataset: requests a minute of the web site of the
 * football world cup 1998 NAB                 github.com/numenta/NAB: requests to a load balancer, latencies
 * of a server Nezha               github.com/IntelligentDDS/Nezha: latencies of the requests to an online
 * shop, with faults whose time is known
 */
#ifndef REPLAY_REAL_H
#define REPLAY_REAL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    REAL_WORLDCUP = 8, /* healthy series by where their rate or level comes from */
    REAL_BALANCER = 6,
    REAL_SERVER = 5,
    REAL_HEALTHY = REAL_WORLDCUP + REAL_BALANCER + REAL_SERVER,
    REAL_FAULTS_MAX = 64,
    REAL_POINTS = 240, /* minutes in a window */
};

/* Latencies in ms, sorted. */
struct real_pool {
    double *ms; /* owned */
    size_t len;
};

struct real {
    double rates[REAL_HEALTHY][REAL_POINTS];  /* requests a second by the minute */
    double levels[REAL_HEALTHY][REAL_POINTS]; /* by which all latencies are multiplied */
    struct real_pool healthy;
    struct real_pool faults[REAL_FAULTS_MAX];
    size_t bad[REAL_FAULTS_MAX], bad_len;   /* faults that make clearly more requests slow */
    size_t fast[REAL_FAULTS_MAX], fast_len; /* faults that answer far too fast */
};

extern const double real_slo_ms;

/* NULL with the reason on standard error when the folder lacks something. */
struct real *real_load(const char *folder);
void real_free(struct real *real);
/* The latency with this share below it. */
double real_quantile(const struct real_pool *pool, double share);

#endif
