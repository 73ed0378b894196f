#include "cli/replay_log.h"

#include "base/clk.h"
#include "base/mem.h"
#include "cli/openplay.h"
#include "cli/replay_line.h"
#include "cli/term.h"
#include "decide/zone.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct replay_log *replay;
    struct openplay play;
    struct openplay_weight *weights; /* owned */
    size_t weights_len;
    uint64_t counts[LOGLINE_BAD + 1]; /* lines by kind */
    uint64_t first_bad;               /* line number; 0: none */
    const char *first_bad_path;
};

static bool complain(const char *path, uint64_t line, const char *why)
{
    term_error("%s:%llu: %s", lines_shown(path), (unsigned long long)line, why);
    return false;
}

/* ---- the list of weights ---- */

/* Seconds since the first request, or a time of day in UTC. */
static bool read_time(struct str text, int64_t start_ns, int64_t *wall_ns_r)
{
    char word[64], *end;
    double seconds;

    if (civil_wall_ns(text, wall_ns_r))
        return true;
    if (text.len == 0 || text.len >= sizeof word)
        return false;
    memcpy(word, text.p, text.len);
    word[text.len] = '\0';
    seconds = strtod(word, &end);
    *wall_ns_r = start_ns + (int64_t)(seconds * (double)NS_PER_S);
    return *end == '\0' && seconds >= 0 && seconds < 1e9;
}

/* A share such as 0.05, or 5%. */
static bool read_weight(struct str text, uint32_t *weight_r)
{
    char word[32], *end;
    double share;

    if (text.len == 0 || text.len >= sizeof word)
        return false;
    memcpy(word, text.p, text.len);
    word[text.len] = '\0';
    share = strtod(word, &end);
    if (*end == '%') {
        share /= 100;
        end++;
    }
    if (*end || !(share >= 0 && share <= 1))
        return false;
    *weight_r = (uint32_t)lround(share * PLAN_WEIGHT_ALL);
    return true;
}

static bool read_weight_line(struct reading *reading, struct str line, int64_t start_ns)
{
    struct openplay_weight weight = {0};
    struct str time, share;

    line = str_trim(line);
    if (line.len == 0 || line.p[0] == '#')
        return true;
    if (!str_split(&line, ' ', &time) || !str_split(&line, '\n', &share) ||
        !read_time(time, start_ns, &weight.wall_ns) || !read_weight(str_trim(share), &weight.weight))
        return false;
    if (reading->weights_len && reading->weights[reading->weights_len - 1].wall_ns > weight.wall_ns)
        return false;
    reading->weights = mem_resize(reading->weights, reading->weights_len + 1, sizeof *reading->weights);
    reading->weights[reading->weights_len++] = weight;
    return true;
}

static bool read_weights(struct reading *reading, int64_t start_ns)
{
    const char *path = reading->replay->weights_path;
    enum lines_next next;
    struct lines lines;
    struct str line;
    bool ok = true;

    if (!lines_open(&lines, path)) {
        term_error("%s: %s", path, lines.why);
        return false;
    }
    while (ok && (next = lines_next(&lines, &line)) == LINES_LINE)
        ok = read_weight_line(reading, line, start_ns) ||
             complain(path, lines.number,
                      "a rising time (seconds, or 2026-11-25T10:00Z), a blank and a weight (0.05 or 5%)");
    if (ok && next == LINES_FAILED)
        ok = complain(path, lines.number, lines.why);
    lines_close(&lines);
    return ok;
}

/* ---- lines ---- */

static void tell(void *arg, const struct openplay *play, int64_t t, uint32_t weight,
                 const struct decision *decision)
{
    (void)arg;
    replay_line_print(
        &(struct replay_line){
            .t = t, .weight = weight, .decision = decision, .open = true, .estimated = play->estimated},
        stdout);
}

static bool take(struct reading *reading, struct str line, const char *path, uint64_t number)
{
    struct logline read;
    enum logline_kind kind = logline_read(&reading->replay->rule, line, &read);

    if (line.len == 0)
        return true;
    if (kind == LOGLINE_SAMPLED)
        return complain(
            path, number,
            "the line has sample_rate: it stands for others that went well and were not written, "
            "so that the shares of errors would be wrong; replay the log of a sink without sample");
    reading->counts[kind]++;
    if (kind == LOGLINE_REQUEST)
        openplay_feed(&reading->play, &read);
    if (kind == LOGLINE_BAD && reading->first_bad == 0) {
        reading->first_bad = number;
        reading->first_bad_path = path;
    }
    return true;
}

static bool take_file(struct reading *reading, struct lines *lines, const char *path)
{
    enum lines_next next;
    struct str line;

    while ((next = lines_next(lines, &line)) == LINES_LINE) {
        if (!take(reading, line, path, lines->number))
            return false;
        if (lines->number % REPLAY_PROGRESS_EVERY == 0)
            replay_progress(reading->play.requests, reading->play.now, false);
    }
    return next == LINES_END || complain(path, lines->number, lines->why);
}

static bool take_files(struct reading *reading, struct lines *lines)
{
    const struct replay_log *replay = reading->replay;

    if (!take_file(reading, lines, replay->paths[0]))
        return false;
    for (size_t i = 1; i < replay->paths_len; i++) {
        bool ok;

        lines_close(lines);
        if (!lines_open(lines, replay->paths[i])) {
            term_error("%s: %s", replay->paths[i], lines->why);
            return false;
        }
        ok = take_file(reading, lines, replay->paths[i]);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static void say_end(const struct reading *reading)
{
    const struct openplay *play = &reading->play;
    char requests[DECISION_NUMBER_LEN], left[DECISION_NUMBER_LEN], other[DECISION_NUMBER_LEN];
    char bad[DECISION_NUMBER_LEN], time[DECISION_NUMBER_LEN], late[DECISION_NUMBER_LEN];

    fprintf(stderr,
            "%s requests in %s; left out: %s that nobody drew or that say nothing, %s of other routes or "
            "groups\n",
            decision_count(play->requests, requests), decision_time(play->now * NS_PER_S, time),
            decision_count(reading->counts[LOGLINE_LEFT], left),
            decision_count(reading->counts[LOGLINE_OTHER], other));
    if (play->late)
        fprintf(stderr, "%s came more than a minute after their time\n", decision_count(play->late, late));
    if (reading->counts[LOGLINE_BAD])
        fprintf(stderr, "%s lines could not be read, the first is %s:%llu\n",
                decision_count(reading->counts[LOGLINE_BAD], bad), lines_shown(reading->first_bad_path),
                (unsigned long long)reading->first_bad);
    if (play->estimated)
        fprintf(stderr, "the weights are estimates: nothing is promised about false alarms\n");
}

/* The arrival of the first request that counts, for the list of weights, as far as the first line tells. */
static int64_t start_of(const struct replay_log *replay, struct str first)
{
    struct logline read;

    if (logline_read(&replay->rule, first, &read) == LOGLINE_BAD)
        return 0;
    return read.wall_ns / NS_PER_S * NS_PER_S;
}

bool replay_log_run(const struct replay_log *replay, struct lines *lines, struct str first)
{
    struct reading *reading = mem_zalloc(sizeof *reading);
    bool known = replay->weights_path || logreader_is_named(replay->rule.preset), ok = true;

    reading->replay = replay;
    if (replay->weights_path)
        ok = read_weights(reading, start_of(replay, first));
    openplay_init(&reading->play, replay->plan, replay->stable, replay->canary, reading->weights,
                  reading->weights_len, !known, tell, NULL);
    ok = ok && take(reading, first, replay->paths[0], 1) && take_files(reading, lines);
    if (ok) {
        openplay_end(&reading->play);
        replay_progress(reading->play.requests, reading->play.now, true);
        say_end(reading);
        if (reading->play.requests == 0)
            term_error("no request could be judged");
        ok = reading->play.requests > 0;
    }
    openplay_fini(&reading->play);
    free(reading->weights);
    free(reading);
    return ok;
}
