#include "control/errands.h"

#include "base/mem.h"
#include "control/board.h"
#include "control/courier.h"

#include <stdlib.h>
#include <string.h>

/* So many requests under way leave room for notices. */
enum { BUSY_MAX = COURIER_CALLS_MAX - CONFIG_NOTICES_MAX };

void errands_init(struct errands *errands, struct board *board, struct courier *courier, size_t size)
{
    *errands = (struct errands){.board = board, .courier = courier, .size = size};
}

struct errand *errands_find(const struct errands *errands, const struct run *run, size_t index)
{
    for (struct errand *errand = errands->first; errand; errand = errand->next)
        if (errand->run == run->number && errand->index == index && !strcmp(errand->plan, run->hash))
            return errand;
    return NULL;
}

struct errand *errands_want(struct errands *errands, const struct run *run, size_t index)
{
    struct errand *errand = errands_find(errands, run, index);

    if (!errand) {
        errand = mem_zalloc(errands->size);
        *errand =
            (struct errand){.next = errands->first, .errands = errands, .run = run->number, .index = index};
        memcpy(errand->plan, run->hash, sizeof errand->plan);
        errands->first = errand;
    }
    errand->wanted = true;
    return errand;
}

/* `all`: also those that are wanted. */
static void drop(struct errands *errands, bool all)
{
    struct errand **link = &errands->first;

    while (*link) {
        struct errand *errand = *link;

        if (errand->wanted && !all) {
            errand->wanted = false; /* until the next look */
            link = &errand->next;
            continue;
        }
        courier_forget(errands->courier, errand->call);
        *link = errand->next;
        free(errand);
    }
}

void errands_look(struct errands *errands, errands_visit *visit)
{
    const struct board *board = errands->board;

    errands->turn++;
    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[(errands->turn + i) % board->lives_len];

        if (run_judges(live->run))
            visit(errands, live);
    }
    drop(errands, false);
}

void errands_fini(struct errands *errands)
{
    drop(errands, true);
}

bool errand_is_due(const struct errand *errand)
{
    const struct errands *errands = errand->errands;

    return !errand->call && errands->board->now_ns >= errand->due_ns &&
           courier_busy(errands->courier) < BUSY_MAX;
}

void errand_recall(struct errand *errand)
{
    courier_forget(errand->errands->courier, errand->call);
    errand->call = 0;
    errand->due_ns = 0;
}

struct live *errand_live(const struct errand *errand)
{
    struct board *board = errand->errands->board;

    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];

        if (run_judges(live->run) && errands_find(errand->errands, live->run, errand->index) == errand)
            return live;
    }
    return NULL;
}
