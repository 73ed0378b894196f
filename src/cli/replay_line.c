#include "cli/replay_line.h"

#include "base/clk.h"
#include "base/str.h"
#include "cli/term.h"

#include <math.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 8192 };

/* A weight as a share, with at most four decimals and no more than it needs. */
static void add_share(struct buf *buf, uint32_t weight)
{
    unsigned decimals = 4;

    if (weight % PLAN_WEIGHT_ALL == 0) {
        buf_u64(buf, weight / PLAN_WEIGHT_ALL);
        return;
    }
    while (weight % 10 == 0) {
        weight /= 10;
        decimals--;
    }
    buf_fixed(buf, weight, decimals);
}

static void add_number(struct buf *buf, const char *key, double value)
{
    if (isfinite(value))
        buf_printf(buf, ",\"%s\":%.6g", key, value);
}

static void add_side(struct buf *buf, const char *key, const struct decision_side *side)
{
    buf_printf(buf, "\"%s\":{\"requests\":%llu,\"bad\":%llu}", key, (unsigned long long)side->requests,
               (unsigned long long)side->bad);
}

static void add_metric(struct buf *buf, const struct decision *decision)
{
    if (decision->metric < 0)
        return;
    buf_lit(buf, ",\"metric\":\"");
    buf_json(buf, str_from(decision->metric_name));
    buf_lit(buf, "\",\"counts\":{");
    add_side(buf, "canary", &decision->canary);
    buf_lit(buf, ",");
    add_side(buf, "stable", &decision->stable);
    buf_lit(buf, "}");
    add_number(buf, "ratio", decision->ratio.value);
}

static void add_eta(struct buf *buf, const struct decision *decision)
{
    if (decision->eta_ns == ROLLOUT_ETA_UNKNOWN)
        return;
    if (decision->eta_ns == ROLLOUT_NEVER)
        buf_lit(buf, ",\"eta\":null");
    else
        buf_printf(buf, ",\"eta\":%lld", (long long)(decision->eta_ns / NS_PER_S));
}

void replay_progress(uint64_t count, int64_t t, bool done)
{
    char number[DECISION_NUMBER_LEN], time[DECISION_NUMBER_LEN];
    struct term term;

    term_look(&term, STDERR_FILENO);
    if (!term.live)
        return;
    if (done)
        fprintf(stderr, "\r%60s\r", "");
    else
        fprintf(stderr, "\r%s requests, %s of traffic", decision_count(count, number),
                decision_time(t * NS_PER_S, time));
    fflush(stderr);
}

void replay_line_print(const struct replay_line *line, FILE *out)
{
    const struct decision *decision = line->decision;
    char block[LINE_MAX_LEN];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    buf_printf(&buf, "{\"t\":%lld,\"weight\":", (long long)line->t);
    add_share(&buf, line->weight);
    buf_printf(&buf, ",\"action\":\"%s\",\"reason\":\"%s\"", word_name(&action_words, decision->action),
               word_name(&reason_words, decision->reason));
    if (line->open)
        buf_lit(&buf, ",\"open\":true");
    if (line->estimated)
        buf_lit(&buf, ",\"weightIs\":\"estimated\"");
    buf_printf(&buf, ",\"state\":\"%s\",\"step\":%d", word_name(&rollout_state_words, decision->state),
               decision->step + 1);
    add_number(&buf, "e", decision->e);
    add_number(&buf, "threshold", decision->threshold);
    add_metric(&buf, decision);
    add_eta(&buf, decision);
    buf_lit(&buf, ",\"text\":\"");
    buf_json(&buf, str_from(decision->text));
    buf_lit(&buf, "\"}\n");
    fwrite(buf.p, 1, buf.len, out);
}
