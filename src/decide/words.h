/*
 * The words of a plan, of a decision and of the API: each enum is one table, and from it come the enum, the
 * names in YAML and JSON, what a wrong word is compared with, and the lines of the manual.
 *
 * A row is X(constant, "name", "meaning"). A table gives:
 *   enum KIND { ... };                        the constants, counted from 0
 *   const struct word_table KIND_words;       the names in the order of the constants
 * Thread: any; everything here is constant.
 */
#ifndef DECIDE_WORDS_H
#define DECIDE_WORDS_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *name; /* as written in files, in the API and in logs */
    const char *text; /* what it means, one clause */
};

struct word_table {
    const struct word *words;
    size_t len;
};

/* The name of a constant of the table's enum; BUG when it is none. */
const char *word_name(const struct word_table *table, size_t constant);
/* The constant whose name is exactly `s`; false when there is none, *constant_r is then untouched. */
MUST_CHECK bool word_parse(const struct word_table *table, struct str s, size_t *constant_r);

/* What bad means for a metric, and what its evidence may do. */
#define METRIC_TYPES(X)                                                                                      \
    X(METRIC_ERROR_RATE, "errorRate", "requests that failed by the fault of the group")                      \
    X(METRIC_LATENCY_SLO, "latencySlo", "requests that were not answered within the threshold")              \
    X(METRIC_CLIENT_ERROR_RATE, "clientErrorRate", "answers that blame the client (4xx)")                    \
    X(METRIC_LATENCY_SHIFT, "latencyShift", "answers slower than stable's own quantile; holds only")         \
    X(METRIC_SUSPICIOUSLY_FAST, "suspiciouslyFast", "answers faster than stable's own quantile; holds only") \
    X(METRIC_EXTERNAL, "external", "a number that a query to another system returns")

/* Who gives the verdict. */
#define JUDGES(X)                                                                                            \
    X(JUDGE_PENSTOCK, "penstock", "the sequential test on bad events, with a stated false-rollback share")   \
    X(JUDGE_THRESHOLD, "threshold", "fixed limits and failure counts, as Argo Rollouts or alarms use them")  \
    X(JUDGE_FLAGGER, "flagger", "failed checks counted towards a limit, as Flagger does it")

#define ON_REGRESSIONS(X)                                                                                    \
    X(ON_REGRESSION_ROLLBACK, "rollback", "all traffic goes back to stable")                                 \
    X(ON_REGRESSION_HOLD, "hold", "the weight stays and a person decides")

#define ON_INCONCLUSIVES(X)                                                                                  \
    X(ON_INCONCLUSIVE_HOLD, "hold", "waits for evidence or a person")                                        \
    X(ON_INCONCLUSIVE_ROLLBACK, "rollback", "all traffic goes back to stable")                               \
    X(ON_INCONCLUSIVE_FORWARD, "forward", "goes on without evidence")

#define FORWARD_RULES(X)                                                                                     \
    X(FORWARD_GATE, "gate", "the next raise may add at most maxExcess bad requests of all")                  \
    X(FORWARD_E_VALUE, "eValue", "a sequential test of non-inferiority with error falsePromote")

#define UNITS(X)                                                                                             \
    X(UNIT_CLIENT, "client", "affinity cookie, else the configured header, else the client's address")       \
    X(UNIT_REQUEST, "request", "every request counts for itself")                                            \
    X(UNIT_HEADER, "header", "the value of a header")                                                        \
    X(UNIT_COOKIE, "cookie", "the value of a cookie")

#define ADVANCE_RULES(X)                                                                                     \
    X(ADVANCE_EVIDENCE, "evidence", "the gate has to pass")                                                  \
    X(ADVANCE_TRAFFIC, "traffic", "15 canary requests and minDwell, or maxDwell")                            \
    X(ADVANCE_TIME, "time", "minDwell")

#define STEP_KINDS(X)                                                                                        \
    X(STEP_WEIGHT, "setWeight", "sets the canary's share of the requests")                                   \
    X(STEP_PAUSE, "pause", "waits for an approval or for a time")                                            \
    X(STEP_HEADER_ROUTE, "setHeaderRoute", "sends requests with a header to one group, unjudged")            \
    X(STEP_MIRROR, "setMirror", "copies requests to the canary and discards its answers")

#define PAUSES(X)                                                                                            \
    X(PAUSE_NONE, "none", "does not wait")                                                                   \
    X(PAUSE_APPROVAL, "approval", "waits for a person's approve")                                            \
    X(PAUSE_TIME, "time", "waits for the duration or for an approve, whichever is first")

#define HEADER_MATCHES(X)                                                                                    \
    X(HEADER_EXACT, "exact", "the value is this")                                                            \
    X(HEADER_PREFIX, "prefix", "the value begins with this")                                                 \
    X(HEADER_REGEX, "regex", "the value matches this POSIX extended regular expression")

#define GROUPS(X)                                                                                            \
    X(GROUP_STABLE, "stable", "what serves today")                                                           \
    X(GROUP_CANARY, "canary", "what shall serve tomorrow")

#define ROLLBACK_MODES(X)                                                                                    \
    X(ROLLBACK_AUTO, "auto", "instant, unless stable needs time to take the load")                           \
    X(ROLLBACK_INSTANT, "instant", "weight 0 at the next request")                                           \
    X(ROLLBACK_RAMP, "ramp", "down over rampTime")

#define AFFINITIES(X)                                                                                        \
    X(AFFINITY_NONE, "none", "each request is drawn anew")                                                   \
    X(AFFINITY_COOKIE, "cookie", "by a cookie that the proxy sets")                                          \
    X(AFFINITY_HEADER, "header", "by the value of a request header")                                         \
    X(AFFINITY_CLIENT_ADDRESS, "clientAddress", "by the client's address")

#define WEBHOOK_TYPES(X)                                                                                     \
    X(WEBHOOK_CONFIRM, "confirm", "a step's gate: forward needs a 2xx answer")                               \
    X(WEBHOOK_ROLLBACK, "rollback", "a 2xx answer orders a rollback")                                        \
    X(WEBHOOK_EVENT, "event", "is told of decisions")

#define THRESHOLD_MODES(X)                                                                                   \
    X(THRESHOLD_MEASUREMENTS, "measurements", "one value each interval, limits on how many may fail")        \
    X(THRESHOLD_ALARM, "alarm", "M of N periods beyond the limit")

#define NO_DATAS(X)                                                                                          \
    X(NO_DATA_FAILED, "failed", "an empty measurement counts as failed")                                     \
    X(NO_DATA_INCONCLUSIVE, "inconclusive", "an empty measurement counts as inconclusive")                   \
    X(NO_DATA_IGNORE, "ignore", "an empty measurement counts as nothing")                                    \
    X(NO_DATA_ERROR, "error", "an empty measurement is an error, as a query without a result is for Argo")

#define MISSING_DATAS(X)                                                                                     \
    X(MISSING_MISSING, "missing", "an empty period is left out")                                             \
    X(MISSING_BREACHING, "breaching", "an empty period counts as beyond the limit")                          \
    X(MISSING_NOT_BREACHING, "notBreaching", "an empty period counts as within the limit")                   \
    X(MISSING_IGNORE, "ignore", "an empty period keeps the alarm's state")

/* What an external metric says. */
#define EXTERNAL_STATES(X)                                                                                   \
    X(EXTERNAL_UNKNOWN, "unknown", "not answered yet")                                                       \
    X(EXTERNAL_GOOD, "good", "the last value is within the bounds")                                          \
    X(EXTERNAL_BAD, "bad", "the last value is beyond the bounds")                                            \
    X(EXTERNAL_NO_DATA, "noData", "the last answer had no value")

/* Where a rollout is. */
#define ROLLOUT_STATES(X)                                                                                    \
    X(ROLLOUT_PENDING, "pending", "not started, or waiting for healthy targets; weight 0")                   \
    X(ROLLOUT_RUNNING, "running", "at a step; a hold is running with a reason")                              \
    X(ROLLOUT_PAUSED, "paused", "stopped by a person; evidence and brakes stay armed")                       \
    X(ROLLOUT_RETREATING, "retreating", "back at the last proven weight, finding out whether load was it")   \
    X(ROLLOUT_HELD, "held", "at the proven weight until targets or a person come")                           \
    X(ROLLOUT_WATCHING, "watching", "at 100, compared with the past until the bake is over")                 \
    X(ROLLOUT_PROBING, "probing", "part of the traffic is on stable again, to compare")                      \
    X(ROLLOUT_ROLLING_BACK, "rollingBack", "the weight is falling to 0")                                     \
    X(ROLLOUT_ROLLED_BACK, "rolledBack", "at 0; a person may retry")                                         \
    X(ROLLOUT_QUARANTINED, "quarantined", "at 0; starts again by itself after the backoff")                  \
    X(ROLLOUT_PROMOTED, "promoted", "at 100 and finished")

#define ACTIONS(X)                                                                                           \
    X(ACTION_NONE, "none", "nothing to do: not started, or finished")                                        \
    X(ACTION_FORWARD, "forward", "the next step")                                                            \
    X(ACTION_HOLD, "hold", "the weight stays, for a reason")                                                 \
    X(ACTION_RETREAT, "retreat", "back to the last proven weight")                                           \
    X(ACTION_ROLLBACK, "rollback", "all traffic back to stable")                                             \
    X(ACTION_PROMOTE, "promote", "the canary takes all traffic, or has kept it through the bake")

/* Why a decision was taken. The first block are the reasons of a hold. */
#define REASONS(X)                                                                                           \
    X(REASON_NONE, "none", "nothing to say")                                                                 \
    X(REASON_NEED_EVIDENCE, "needEvidence", "the counts do not yet show that the next step is safe")         \
    X(REASON_NO_DATA, "noData", "the canary got no request to judge")                                        \
    X(REASON_SHARED_FAILURE, "sharedFailure", "both groups fail")                                            \
    X(REASON_CAPACITY, "capacity", "the healthy canary targets cannot bear the next weight")                 \
    X(REASON_DWELL, "dwell", "the step's least time or the grace is not over")                               \
    X(REASON_WINDOW, "window", "outside the step's window")                                                  \
    X(REASON_FROZEN, "frozen", "inside a freeze")                                                            \
    X(REASON_APPROVAL, "approval", "a person has to approve")                                                \
    X(REASON_GATE, "gate", "a confirm webhook has not said yes")                                             \
    X(REASON_LATENCY_SHIFT, "latencyShift", "the canary's latency distribution has moved")                   \
    X(REASON_SUSPICIOUSLY_FAST, "suspiciouslyFast", "the canary answers faster than it should")              \
    X(REASON_BAD_TARGET, "badTarget", "one target is bad, not the release")                                  \
    X(REASON_LOCKED, "locked", "a person has locked the weight")                                             \
    X(REASON_PAUSED, "paused", "a person has paused the rollout")                                            \
    X(REASON_LOAD_DEPENDENT, "loadDependent", "the canary fails above the proven weight")                    \
    X(REASON_REGRESSION, "regression", "the canary is worse than stable")                                    \
    X(REASON_TARGETS, "targets", "a group has no healthy target")                                            \
    X(REASON_STORAGE, "storage", "the decision could not be saved")                                          \
    X(REASON_EXTERNAL, "external", "an external metric is beyond its limit or has no data")                  \
    X(REASON_START, "start", "the rollout began")                                                            \
    X(REASON_EVIDENCE, "evidence", "the counts show that the next step is safe")                             \
    X(REASON_TRAFFIC, "traffic", "the step asked for traffic only, and got it")                              \
    X(REASON_TIME, "time", "the step asked for time only, and it is over")                                   \
    X(REASON_INCONCLUSIVE, "inconclusive", "maxDwell is over without evidence")                              \
    X(REASON_APPROVED, "approved", "a person approved")                                                      \
    X(REASON_MANUAL, "manual", "a person said so")                                                           \
    X(REASON_ABORT, "abort", "a person aborted")                                                             \
    X(REASON_WEBHOOK, "webhook", "a rollback webhook said so")                                               \
    X(REASON_CATASTROPHE, "catastrophe", "most canary requests were slow right after a raise")               \
    X(REASON_BUDGET, "budget", "too many excess bad requests")                                               \
    X(REASON_PROBE, "probe", "the past at 100 looks different: compare with stable again")                   \
    X(REASON_PROBE_OVER, "probeOver", "the comparison found nothing")                                        \
    X(REASON_BAKED, "baked", "the bake is over")                                                             \
    X(REASON_UPDATED, "updated", "a person changed the plan")                                                \
    X(REASON_RETRY, "retry", "tries again")                                                                  \
    X(REASON_RESTORED, "restored", "taken up again after a restart")

/* What may stand in the query of an external metric (decide/query.h). */
#define QUERY_VARIABLES(X)                                                                                   \
    X(QUERY_ROUTE, "route", "the name of the route")                                                         \
    X(QUERY_STABLE, "stable", "the name of stable")                                                          \
    X(QUERY_CANARY, "canary", "the name of the canary")                                                      \
    X(QUERY_STABLE_PLATFORM, "stablePlatform", "the platform of stable")                                     \
    X(QUERY_CANARY_PLATFORM, "canaryPlatform", "the platform of the canary")                                 \
    X(QUERY_INTERVAL, "interval", "how often it is asked: 60s")                                              \
    X(QUERY_SECONDS, "seconds", "the same without a unit: 60")

#define COMMANDS(X)                                                                                          \
    X(COMMAND_START, "start", "begins the rollout")                                                          \
    X(COMMAND_PAUSE, "pause", "stops forward moves")                                                         \
    X(COMMAND_RESUME, "resume", "lets forward moves go on")                                                  \
    X(COMMAND_APPROVE, "approve", "gives the approval that the step waits for")                              \
    X(COMMAND_SKIP, "skip", "goes to the next step without waiting")                                         \
    X(COMMAND_PROMOTE, "promote", "ends all waiting and goes through the remaining steps on evidence only")  \
    X(COMMAND_PROMOTE_FULL, "promoteFull", "goes to 100 at once, without evidence")                          \
    X(COMMAND_ABORT, "abort", "goes back to 0 now")                                                          \
    X(COMMAND_RETRY, "retry", "starts again after a rollback or goes on from a hold")                        \
    X(COMMAND_LOCK, "lock", "stops automatic forward moves; with noRollback automatic backward ones too")    \
    X(COMMAND_UNLOCK, "unlock", "ends a lock")                                                               \
    X(COMMAND_WEIGHT, "weight", "sets a weight by hand and ends the automatic ramp until resume")

#define WORD_CONSTANT(constant, name, text) constant,
#define WORD_ENUM(kind, KINDS)                                                                               \
    enum kind { KINDS(WORD_CONSTANT) };                                                                      \
    extern const struct word_table kind##_words

WORD_ENUM(metric_type, METRIC_TYPES);
WORD_ENUM(judge_kind, JUDGES);
WORD_ENUM(on_regression, ON_REGRESSIONS);
WORD_ENUM(on_inconclusive, ON_INCONCLUSIVES);
WORD_ENUM(forward_rule, FORWARD_RULES);
WORD_ENUM(unit_kind, UNITS);
WORD_ENUM(advance_rule, ADVANCE_RULES);
WORD_ENUM(step_kind, STEP_KINDS);
WORD_ENUM(pause_kind, PAUSES);
WORD_ENUM(header_match, HEADER_MATCHES);
WORD_ENUM(group_kind, GROUPS);
WORD_ENUM(rollback_mode, ROLLBACK_MODES);
WORD_ENUM(affinity_kind, AFFINITIES);
WORD_ENUM(webhook_type, WEBHOOK_TYPES);
WORD_ENUM(threshold_mode, THRESHOLD_MODES);
WORD_ENUM(no_data_rule, NO_DATAS);
WORD_ENUM(missing_data_rule, MISSING_DATAS);
WORD_ENUM(external_state, EXTERNAL_STATES);
WORD_ENUM(rollout_state, ROLLOUT_STATES);
WORD_ENUM(action, ACTIONS);
WORD_ENUM(reason, REASONS);
WORD_ENUM(command, COMMANDS);
extern const struct word_table query_variable_words; /* without those that have no name: see query.h */

#endif
