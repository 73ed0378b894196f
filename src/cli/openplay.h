/*
 * A plan beside a log (decide/observer): what it would have said about traffic whose weights somebody else
 * chose. Requests come in the order in which they ended; they are put into that of their arrival within a
 * minute. Weights are those of the log's lines, those of a list, or, where neither is known, the share of the
 * requests that went to the canary: then nothing is promised about false alarms.
 *
 * Thread: the caller's.
 */
#ifndef CLI_OPENPLAY_H
#define CLI_OPENPLAY_H

#include "cli/arrivals.h"
#include "cli/counting.h"
#include "cli/logline.h"
#include "decide/observer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OPENPLAY_MINUTE = 60,
};

struct openplay_weight {
    int64_t wall_ns; /* in force from here on */
    uint32_t weight;
};

struct openplay;
/* A decision worth telling, `t` seconds after the first request, at this weight. Borrowed for the call. */
typedef void openplay_report(void *arg, const struct openplay *play, int64_t t, uint32_t weight,
                             const struct decision *decision);

struct openplay {
    const struct plan *plan;
    openplay_report *report;
    void *arg;
    const struct openplay_weight *weights; /* in order; NULL: those of the lines, or estimated */
    size_t weights_len, weights_at;
    bool estimated; /* read by others: the weights are shares that were seen */

    struct observer observer;
    struct counting counting;
    struct arrivals arrivals;
    int64_t start_ns; /* of the first second */
    bool started;
    int64_t now; /* the next look, seconds since start_ns */
    uint64_t requests,
        late; /* read by others: counted; came more than a minute late, and count where they came */

    struct tally tallies[TALLY_WEIGHTS_MAX]; /* since the last look */
    size_t tallies_len;
    struct hist latency;  /* stable's; only with guards */
    struct tally *minute; /* estimated: the seconds of the open minute, owned */
    double share;         /* estimated so far */
    double share_requests;
};

/* `plan` (finished and checked) and `weights` are borrowed until openplay_fini. `estimated`: the lines know
 * no weights and no list is given. */
void openplay_init(struct openplay *play, const struct plan *plan, const char *stable, const char *canary,
                   const struct openplay_weight *weights, size_t weights_len, bool estimated,
                   openplay_report *report, void *arg);
void openplay_fini(struct openplay *play);
void openplay_feed(struct openplay *play, const struct logline *line);
/* What still waits. */
void openplay_end(struct openplay *play);

#endif
