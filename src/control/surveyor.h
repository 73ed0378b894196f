/*
 * Asks the queries of the external metrics of plans that are followed, each at its interval, of the sources
 * that the configuration names. The answers go into the runs and are looked at at once. What is no number, in
 * whatever way, is told as no data: it holds.
 *
 * Thread: control.
 */
#ifndef CONTROL_SURVEYOR_H
#define CONTROL_SURVEYOR_H

#include <stddef.h>
#include <stdint.h>

struct board;
struct courier;
struct surveyor;

/* Both arguments outlive it. */
struct surveyor *surveyor_new(struct board *board, struct courier *courier);
/* Asks what is due; each second. */
void surveyor_look(struct surveyor *surveyor);
/* NULL is allowed. */
void surveyor_free(struct surveyor *surveyor);

/* A source, as the status and the metrics tell of it. */
struct surveyor_stats {
    const char *name;
    uint64_t values;     /* queries that it has answered with a number, */
    uint64_t empty;      /* with a status of 2xx and none, whatever the content says, */
    uint64_t failed;     /* with another status, or not at all; and those that could not be asked */
    const char *problem; /* of the last query; empty: none */
};
size_t surveyor_len(const struct surveyor *surveyor);
/* Texts are valid until the next look. */
struct surveyor_stats surveyor_stats(const struct surveyor *surveyor, size_t i);

#endif
