#include "control/examples.h"

#include "base/clk.h"
#include "base/mem.h"
#include "control/board.h"
#include "proxy/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_of_one_trace(const struct failure *a, const struct failure *b)
{
    return a->trace_high == b->trace_high && a->trace_low == b->trace_low;
}

static int by_worth(const void *a, const void *b)
{
    const struct failure *one = a, *other = b;

    if (one->sampled != other->sampled)
        return one->sampled ? -1 : 1;
    if (one->wall_ns != other->wall_ns)
        return one->wall_ns > other->wall_ns ? -1 : 1;
    return 0;
}

size_t examples_choose(struct failure *failures, size_t len)
{
    size_t kept = 0;

    qsort(failures, len, sizeof *failures, by_worth);
    for (size_t i = 0; i < len; i++) {
        size_t k = 0;

        while (k < kept && !is_of_one_trace(&failures[k], &failures[i]))
            k++;
        if (k == kept)
            failures[kept++] = failures[i];
    }
    return kept;
}

/* The address of a target of the canary; NULL when there is none with this slot now. */
static const char *target_of(const struct board *board, const struct live *live, uint32_t slot)
{
    const struct config_group *group = board_side(board, live, ROUTE_CANARY);

    for (size_t i = 0; group && i < group->targets_len; i++)
        if (group->targets[i].slot == slot)
            return group->targets[i].address.text;
    return NULL;
}

/* What was wrong, in a word: how it ended, or that the status or the time was bad. */
static const char *reason_of(const struct failure *failure)
{
    if (failure->outcome != OUTCOME_SERVED)
        return outcome_row((enum outcome)failure->outcome)->name;
    return failure->slow && failure->status < 500 ? "slow" : "status";
}

static json_t *example_json(const struct board *board, const struct live *live, const struct failure *failure)
{
    char trace[40], time[CLK_TEXT_LEN];
    const char *target = target_of(board, live, failure->target);

    snprintf(trace, sizeof trace, "%016" PRIx64 "%016" PRIx64, failure->trace_high, failure->trace_low);
    clk_text(failure->wall_ns, time);
    return json_pack("{s:s, s:s%, s:s?, s:o, s:s, s:b}", "traceId", trace, "time", time, sizeof time,
                     "target", target, "status",
                     failure->status ? json_integer(failure->status) : json_null(), "reason",
                     reason_of(failure), "sampled", (int)failure->sampled);
}

/* Those of all workers since then. */
static size_t collect(const struct harvest_cells *cells, int64_t since_ns, struct failure *failures_r)
{
    size_t len = 0;

    for (size_t i = 0; i < 2 * cells->len; i++) {
        struct shard_exemplars *exemplars = shard_exemplars(cells->workers[i / 2]);
        size_t kept = len;

        if (!exemplars)
            continue;
        len += failures_get(&exemplars->failures, i % 2, failures_r + len);
        for (size_t k = kept; k < len; k++)
            if (failures_r[k].wall_ns >= since_ns)
                failures_r[kept++] = failures_r[k];
        len = kept;
    }
    return len;
}

json_t *examples_of(const struct board *board, const struct live *live, int64_t since_ns)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);
    struct failure *failures = mem_alloc((2 * cells.len + 1) * FAILURES_KEPT * sizeof *failures);
    size_t len = examples_choose(failures, collect(&cells, since_ns, failures));
    json_t *list = len ? json_array() : NULL;

    for (size_t i = 0; i < len && i < EXAMPLES_MAX; i++)
        json_array_append_new(list, example_json(board, live, &failures[i]));
    free(failures);
    return list;
}
