#include "score.h"

#include <math.h>

void score_init(struct score *score, const struct gen *gen)
{
    *score = (struct score){.zero_s = -1, .back_s = -1, .all_s = -1};
    score->onset_s = gen->kind == FAMILY_CAPACITY ? -1 : gen->onset_s;
}

void score_weight(struct score *score, double t, double w)
{
    if (w <= 0 && score->w > 0 && score->zero_s < 0)
        score->zero_s = t;
    if (w <= 0 && score->w > 0 && score->back_s < 0 && score->onset_s >= 0 && t >= score->onset_s)
        score->back_s = t;
    if (w >= 1 && score->all_s < 0)
        score->all_s = t;
    score->w = w;
}

void score_served(struct score *score, const struct gen *gen, const struct trace_request *request, bool alt)
{
    const struct trace_outcome *served = alt ? &request->alt : &request->canary;

    if (gen->kind == FAMILY_CAPACITY && alt && score->onset_s < 0)
        score->onset_s = request->t;
    score->harm += gen_is_bad(gen, served) - gen_is_bad(gen, &request->stable);
}

/* Above its capacity once, and at the end at 0 or below the capacity. */
static bool found_capacity(const struct score *score, const struct gen *gen)
{
    return score->onset_s >= 0 && score->w <= gen->head.capacity;
}

void score_end(const struct score *score, const struct gen *gen, struct score_result *result_r)
{
    bool bad = families[gen->kind].class == CLASS_BAD;
    bool early = score->zero_s >= 0 && (score->onset_s < 0 || score->zero_s < score->onset_s);

    *result_r = (struct score_result){.back = score->zero_s >= 0,
                                      .early = bad && early,
                                      .detected = bad && !early && score->w <= 0,
                                      .stuck = score->w < 1,
                                      .time_s = NAN,
                                      .harm = score->harm};
    if (gen->kind == FAMILY_CAPACITY && !early)
        result_r->detected = found_capacity(score, gen);
    if (bad && result_r->detected && score->back_s >= 0)
        result_r->time_s = score->back_s - score->onset_s;
    if (!bad && score->all_s >= 0)
        result_r->time_s = score->all_s;
}
