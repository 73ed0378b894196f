/*
 * The header route of a rollout in the snapshot: which value of which header chooses which side, and of whom.
 * Made by control, read by the workers.
 */
#ifndef ROUTE_STEER_H
#define ROUTE_STEER_H

#include "base/bug.h"
#include "base/ip.h"
#include "base/str.h"
#include "decide/plan.h"

#include <stdbool.h>

struct steer;

/* From the step of a checked plan, which is copied; NULL gives NULL. Freed with steer_free. Thread: control.
 */
struct steer *steer_new(const struct plan_header_route *plan);
/* NULL is allowed. */
void steer_free(struct steer *steer);

struct str steer_header(const struct steer *steer);
enum group_kind steer_to(const struct steer *steer);
/* Whether this value of the header chooses. Thread: any; a regular expression takes a lock of the C library.
 */
bool steer_matches(const struct steer *steer, struct str value);
/* Whether this client may choose; NULL: one that nothing is known of. Thread: any. */
bool steer_admits(const struct steer *steer, const struct ip *client);

#endif
