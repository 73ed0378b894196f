/*
 * What is asked of others again and again, for the runs that are followed: one errand for each thing that a
 * plan wants asked. It is remembered as long as it is wanted at each look, and ends with its plan or its run.
 *
 * Whoever has errands embeds a struct errand at the beginning of his own.
 * Thread: control.
 */
#ifndef CONTROL_ERRANDS_H
#define CONTROL_ERRANDS_H

#include "control/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct courier;
struct live;
struct errands;

struct errand {
    struct errand *next;
    struct errands *errands;
    uint32_t run; /* its number */
    char plan[RUN_HASH_LEN];
    size_t index;   /* of what is asked, in its plan */
    uint64_t call;  /* of the courier; 0: none is under way */
    int64_t due_ns; /* monotonic */
    bool wanted;    /* at this look */
};

struct errands {
    struct board *board;
    struct courier *courier;
    struct errand *first;
    size_t size; /* of an errand with what embeds it */
    size_t turn; /* the route that is looked at first, another one each time */
};

/* `board` and `courier` outlive it. */
void errands_init(struct errands *errands, struct board *board, struct courier *courier, size_t size);
void errands_fini(struct errands *errands);

/* Calls `visit` for each route with a run that judges; then what it has not wanted is forgotten. */
typedef void errands_visit(struct errands *errands, struct live *live);
void errands_look(struct errands *errands, errands_visit *visit);

/* The one for this entry of the run's plan; NULL: there is none. */
struct errand *errands_find(const struct errands *errands, const struct run *run, size_t index);
/* Makes it, all zero behind the errand, when there is none, and wants it. */
struct errand *errands_want(struct errands *errands, const struct run *run, size_t index);

/* Whether it is to be asked now: it is due, nothing is under way, and notices keep their room. */
bool errand_is_due(const struct errand *errand);
/* Nobody waits for its answer any more, and it is due. */
void errand_recall(struct errand *errand);
/* Whom it is about; NULL when that has another plan since, or is over. */
struct live *errand_live(const struct errand *errand);

#endif
