#include "cli/openplay.h"

#include "base/clk.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t gap_max_s = 86400;
static const double share_sd = 4; /* deviations by which a share has to differ to be another weight */

/* ---- looks ---- */

static void look(struct openplay *play, const struct tally *tallies, size_t len, uint32_t weight,
                 int64_t second)
{
    int64_t wall_ns = play->start_ns + second * NS_PER_S;
    struct rollout_input in = {
        .now_ns = second * NS_PER_S,
        .wall_ns = wall_ns,
        .tallies = tallies,
        .tallies_len = len,
        .weight_in_force = true,
        .stable = {1, 1, 0},
        .canary = {1, 1, 0},
        .gate = GATE_YES,
    };
    struct decision decision;

    observer_weight(&play->observer, play->plan, weight, wall_ns);
    if (observer_look(&play->observer, play->plan, &in, &decision))
        play->report(play->arg, play, second, weight, &decision);
}

/* The weight of the list at that second. */
static uint32_t listed(struct openplay *play, int64_t second)
{
    int64_t wall_ns = play->start_ns + second * NS_PER_S;

    while (play->weights_at < play->weights_len && play->weights[play->weights_at].wall_ns <= wall_ns)
        play->weights_at++;
    return play->weights_at ? play->weights[play->weights_at - 1].weight : 0;
}

static void close_second(struct openplay *play)
{
    for (size_t i = 0; i < play->tallies_len; i++) {
        counting_close(&play->counting, &play->tallies[i]);
        if (i == 0 && play->counting.guards)
            play->tallies[i].latency = &play->latency;
    }
}

static void clear_second(struct openplay *play)
{
    memset(play->tallies, 0, sizeof play->tallies);
    memset(&play->latency, 0, sizeof play->latency);
    play->tallies_len = 0;
}

/* The second is over: the newest weight in it is in force. */
static void end_second(struct openplay *play)
{
    uint32_t weight = play->observer.rollout.weight;

    if (play->weights)
        weight = listed(play, play->now);
    else if (play->tallies_len)
        weight = play->tallies[play->tallies_len - 1].weight;
    close_second(play);
    counting_guards(&play->counting, &play->observer.rollout.guards);
    look(play, play->tallies, play->tallies_len, weight, play->now);
    clear_second(play);
}

/* ---- estimated weights: a minute at a time ---- */

/* The share so far, unless this minute's is clearly another. */
static void estimate(struct openplay *play, double canary, double requests)
{
    double now = canary / requests, sum = play->share_requests + requests, spread;

    spread = sqrt(fmax(play->share * (1 - play->share), 1 / requests) *
                  (1 / requests + 1 / fmax(play->share_requests, 1)));
    if (play->share_requests <= 0 || fabs(now - play->share) > share_sd * spread) {
        play->share = now;
        play->share_requests = requests;
        return;
    }
    play->share += (now - play->share) * requests / sum;
    play->share_requests = sum;
}

/* A share that has not changed clearly is the weight that it was taken for. */
static uint32_t estimated_weight(const struct openplay *play)
{
    uint32_t last = play->observer.rollout.weight, weight = (uint32_t)lround(play->share * PLAN_WEIGHT_ALL);
    double spread = sqrt(play->share * (1 - play->share) / fmax(play->share_requests, 1)) * PLAN_WEIGHT_ALL;

    return last > 0 && fabs((double)weight - last) <= share_sd * spread + 1 ? last : weight;
}

static void end_minute(struct openplay *play, int64_t seconds)
{
    double canary = 0, requests = 0;
    uint32_t weight;

    for (int64_t i = 0; i < seconds; i++) {
        canary += (double)play->minute[i].canary.requests;
        requests += (double)(play->minute[i].canary.requests + play->minute[i].stable.requests);
    }
    if (requests > 0)
        estimate(play, canary, requests);
    weight = estimated_weight(play);
    for (int64_t i = 0; i < seconds; i++) {
        struct tally *tally = &play->minute[i];

        tally->weight = weight;
        counting_close(&play->counting, tally);
        look(play, tally, 1, weight, play->now - seconds + i + 1);
    }
    memset(play->minute, 0, OPENPLAY_MINUTE * sizeof *play->minute);
}

/* ---- one request in its turn ---- */

static struct tally *tally_of(struct openplay *play, uint32_t weight)
{
    size_t i = 0;

    while (i < play->tallies_len && play->tallies[i].weight != weight)
        i++;
    if (i == TALLY_WEIGHTS_MAX)
        return NULL;
    if (i == play->tallies_len)
        play->tallies[play->tallies_len++].weight = weight;
    return &play->tallies[i];
}

/* A gap of more than a day is no time in which anything could be decided: one look in it is enough. */
static void pass_seconds(struct openplay *play, int64_t until)
{
    if (until - play->now > gap_max_s) {
        pass_seconds(play, play->now + OPENPLAY_MINUTE);
        play->now = until - until % OPENPLAY_MINUTE - OPENPLAY_MINUTE + play->now % OPENPLAY_MINUTE;
    }
    for (; play->now < until; play->now++) {
        if (!play->estimated)
            end_second(play);
        else if (play->now > 0 && play->now % OPENPLAY_MINUTE == 0)
            end_minute(play, OPENPLAY_MINUTE);
    }
}

static void count(void *arg, const struct logline *line)
{
    struct openplay *play = arg;
    const struct counting_answer answer = {
        .key = line->unit, .ms = line->ms, .status = line->status, .failed = line->failed};
    struct tally *tally;
    int64_t second;

    if (!play->started) {
        play->start_ns = line->wall_ns / NS_PER_S * NS_PER_S;
        play->started = true;
    }
    second = (line->wall_ns - play->start_ns) / NS_PER_S;
    if (second < play->now - 1) { /* its second is over */
        play->late++;
        second = play->now - 1;
    }
    pass_seconds(play, second + 1);
    if (play->estimated)
        tally = &play->minute[(play->now - 1) % OPENPLAY_MINUTE];
    else
        tally = tally_of(play, play->weights ? listed(play, play->now - 1) : line->weight);
    play->requests++;
    if (tally)
        counting_add(&play->counting, line->canary ? &tally->canary : &tally->stable,
                     line->canary ? NULL : &play->latency, &answer, (uint32_t)play->now);
}

/* ---- the whole ---- */

void openplay_init(struct openplay *play, const struct plan *plan, const char *stable, const char *canary,
                   const struct openplay_weight *weights, size_t weights_len, bool estimated,
                   openplay_report *report, void *arg)
{
    memset(play, 0, sizeof *play);
    play->plan = plan;
    play->report = report;
    play->arg = arg;
    play->weights = weights;
    play->weights_len = weights_len;
    play->estimated = estimated;
    observer_init(&play->observer, plan, stable, canary);
    counting_init(&play->counting, plan);
    arrivals_init(&play->arrivals, count, play);
    if (estimated)
        play->minute = mem_zalloc(OPENPLAY_MINUTE * sizeof *play->minute);
}

void openplay_fini(struct openplay *play)
{
    counting_fini(&play->counting);
    arrivals_fini(&play->arrivals);
    free(play->minute);
    play->minute = NULL;
}

void openplay_feed(struct openplay *play, const struct logline *line)
{
    arrivals_add(&play->arrivals, line);
}

void openplay_end(struct openplay *play)
{
    arrivals_end(&play->arrivals);
    if (!play->started)
        return;
    if (play->estimated)
        end_minute(play, (play->now - 1) % OPENPLAY_MINUTE + 1);
    else
        end_second(play);
}
