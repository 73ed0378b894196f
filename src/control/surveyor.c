#include "control/surveyor.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/awskeys.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/errands.h"
#include "control/source.h"
#include "control/tick.h"
#include "decide/query.h"
#include "net/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A source, with what has come of it. */
struct desk {
    const struct config_source *conf; /* in surveyor->config */
    char *token;                      /* the bearer token in use; NULL: none */
    struct stamp_watch watch;         /* of its file */
    uint64_t values, empty, failed;
    char problem[EXTERNAL_WHY_MAX];
};

/* A metric that is asked; the index of its errand is that in its plan's metrics. */
struct survey {
    struct errand errand;
    int64_t asked_ns; /* monotonic */
    bool silent;      /* its last query had no data */
};

struct surveyor {
    struct errands errands; /* of struct survey; at the beginning, see surveyor_of */
    struct awskeys *keys;   /* those that are found for AWS */
    struct config *config;  /* a reference: that of the desks */
    struct desk desks[CONFIG_SOURCES_MAX];
    size_t desks_len;
};

static struct surveyor *surveyor_of(const struct survey *survey)
{
    return (struct surveyor *)survey->errand.errands;
}

/* ---- sources
 * --------------------------------------------------------------------------------------------- */

static struct desk *desk_named(struct desk *desks, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (!strcmp(desks[i].conf->name, name))
            return &desks[i];
    return NULL;
}

static const struct plan_metric *metric_of(const struct survey *survey, const struct live *live)
{
    return &live->run->plan->analysis.metrics[survey->errand.index];
}

/* What the old configuration has asked, or could not ask, is asked anew. What has its answer waits for its
 * time: another question would count another failure. */
static void recall(struct survey *survey, struct desk *old, size_t old_len)
{
    struct surveyor *surveyor = surveyor_of(survey);
    struct live *live = errand_live(&survey->errand);
    const char *source = live ? metric_of(survey, live)->limits.source : NULL;

    if (survey->errand.call || (source && !desk_named(old, old_len, source) !=
                                              !desk_named(surveyor->desks, surveyor->desks_len, source)))
        errand_recall(&survey->errand);
}

static void set_token(struct desk *desk, char *token)
{
    if (desk->token)
        explicit_bzero(desk->token, strlen(desk->token));
    free(desk->token);
    desk->token = token;
}

/* A token that is replaced is used from then on. One that cannot be read twice in a row leaves the one before
 * in use. */
static void look_at_token(struct desk *desk)
{
    const char *path = desk->conf->token.path;
    uint64_t stamp = path ? stamp_of(path, STAMP_NONE) : STAMP_NONE;
    enum stamp_sight sight = stamp_watch_look(&desk->watch, stamp);
    char *why = NULL, *token;

    if (sight == STAMP_SAME)
        return;
    token = secret_read(path, &why);
    if (token || sight == STAMP_SETTLED)
        stamp_watch_tried(&desk->watch, stamp);
    if (token && strcmp(token, desk->token) != 0)
        log_info("metric source %s: token: %s has changed and is in use", desk->conf->name, path);
    else if (!token && sight == STAMP_SETTLED)
        log_warn("metric source %s: token: %s: %s; the one before stays in use", desk->conf->name, path, why);
    if (token)
        set_token(desk, token);
    free(why);
}

/* Counters go on under their names. */
static void adopt(struct surveyor *surveyor)
{
    struct config *config = config_ref(surveyor->errands.board->config);
    struct desk old[CONFIG_SOURCES_MAX];
    size_t old_len = surveyor->desks_len;

    memcpy(old, surveyor->desks, sizeof old);
    surveyor->desks_len = config->sources_len;
    for (size_t i = 0; i < config->sources_len; i++) {
        const struct desk *kept = desk_named(old, old_len, config->sources[i].name);

        surveyor->desks[i] = kept ? *kept : (struct desk){0};
        surveyor->desks[i].conf = &config->sources[i];
        surveyor->desks[i].token = mem_strdup_if(config->sources[i].token.text);
        surveyor->desks[i].watch = (struct stamp_watch){0};
    }
    for (struct errand *errand = surveyor->errands.first; errand; errand = errand->next)
        recall((struct survey *)errand, old, old_len);
    for (size_t i = 0; i < old_len; i++)
        set_token(&old[i], NULL);
    config_unref(surveyor->config);
    surveyor->config = config;
}

/* The log is told of the first of several without data. */
static void tell(struct survey *survey, const struct live *live, const char *source, const char *why)
{
    const char *metric = metric_of(survey, live)->name, *route = live->conf->name;

    if (why[0] && !survey->silent)
        log_warn("metric source %s: a query has no data: %s of route %s: %s", source, metric, route, why);
    else if (!why[0] && survey->silent)
        log_info("metric source %s: a query has data again: %s of route %s", source, metric, route);
    survey->silent = why[0] != '\0';
}

/* What has come of a query; `why` is empty when it was a number. */
static void note(struct desk *desk, unsigned status, const char *why)
{
    if (!why[0])
        desk->values++;
    else if (status / 100 == 2)
        desk->empty++;
    else
        desk->failed++;
    snprintf(desk->problem, sizeof desk->problem, "%s", why);
}

/* ---- answers
 * --------------------------------------------------------------------------------------------- */

/* For the next look; `why` is empty when there is a value. */
static void give(const struct survey *survey, struct run *run, double value, const char *why)
{
    struct run_answer *answer = &run->answers[survey->errand.index];

    *answer =
        (struct run_answer){.given = true, .known = !why[0], .value = value, .asked_ns = survey->asked_ns};
    snprintf(answer->why, sizeof answer->why, "%s", why);
}

static void on_answer(void *arg, const struct courier_answer *answer)
{
    struct survey *survey = arg;
    struct surveyor *surveyor = surveyor_of(survey);
    struct board *board = surveyor->errands.board;
    struct live *live = errand_live(&survey->errand);
    struct desk *desk;
    char why[EXTERNAL_WHY_MAX];
    double value = 0;

    survey->errand.call = 0;
    if (!live)
        return;
    desk = desk_named(surveyor->desks, surveyor->desks_len, metric_of(survey, live)->limits.source);
    if (!desk)
        return; /* the next look tells */
    if (answer->status == 0)
        snprintf(why, sizeof why, "%s", answer->text);
    else if (source_read(desk->conf, answer->status, answer->content, &value, why))
        why[0] = '\0';
    note(desk, answer->status, why);
    tell(survey, live, desk->conf->name, why);
    give(survey, live->run, value, why);
    board_now(board);
    tick_route(board, live);
}

/* ---- questions
 * ------------------------------------------------------------------------------------------- */

/* The value of a variable in braces. All of them are names of the configuration, in which nothing stands that
 * would have to be escaped in a text of any query language. */
static void add_variable(struct text *text, const struct board *board, const struct live *live,
                         enum query_variable variable, int64_t interval_ns)
{
    const struct config_group *stable = board_side(board, live, ROUTE_STABLE);
    const struct config_group *canary = board_side(board, live, ROUTE_CANARY);

    switch (variable) {
    case QUERY_NONE:
    case QUERY_UNKNOWN: /* plan_check has refused it */
        return;
    case QUERY_ROUTE:
        text_printf(text, "%s", live->conf->name);
        return;
    case QUERY_STABLE:
        text_printf(text, "%s", stable->name);
        return;
    case QUERY_CANARY:
        text_printf(text, "%s", canary->name);
        return;
    case QUERY_STABLE_PLATFORM:
        text_printf(text, "%s", stable->platform);
        return;
    case QUERY_CANARY_PLATFORM:
        text_printf(text, "%s", canary->platform);
        return;
    case QUERY_INTERVAL:
    case QUERY_SECONDS:
        text_printf(text, "%lld%s", (long long)(interval_ns / NS_PER_S),
                    variable == QUERY_INTERVAL ? "s" : "");
        return;
    }
}

/* The caller frees it. */
static char *query_text(const struct board *board, const struct live *live, const struct plan_limits *limits)
{
    struct str rest = str_from(limits->query);
    struct query_part part;
    struct text text;

    text_init(&text, SOURCE_TEXT_MAX);
    while (query_next(&rest, &part)) {
        text_add(&text, part.text.p, part.text.len);
        add_variable(&text, board, live, part.variable, limits->interval_ns);
    }
    return text_take(&text);
}

/* Who asks, as the configuration says, or as it is found for AWS. */
struct login {
    const char *user, *password, *token;
    char aws[96]; /* empty: it is sent as it is */
};

static enum awskeys_state find_login(struct surveyor *surveyor, const struct config_source *conf,
                                     struct login *login_r, char why[static EXTERNAL_WHY_MAX])
{
    struct awskeys_view view = {conf->access_key_id, conf->secret_access_key, conf->session_token};
    enum awskeys_state state = AWSKEYS_READY;

    *login_r = (struct login){.user = conf->user, .password = conf->password};
    if (conf->kind != CONFIG_SOURCE_CLOUDWATCH)
        return AWSKEYS_READY;
    if (!view.id)
        state = awskeys_get(surveyor->keys, surveyor->errands.board->wall_ns, &view, why);
    if (state != AWSKEYS_READY)
        return state;
    *login_r = (struct login){view.id, view.secret, view.token, ""};
    snprintf(login_r->aws, sizeof login_r->aws, "aws:amz:%s:monitoring", conf->region);
    return AWSKEYS_READY;
}

static uint64_t post(struct survey *survey, const struct desk *desk, const struct login *login,
                     struct source_request *request)
{
    struct courier_request call = {.method = request->method,
                                   .url = request->url,
                                   .body = str_from(request->body),
                                   .timeout_ns = desk->conf->timeout_ns,
                                   .content_max = SOURCE_CONTENT_MAX,
                                   .user = login->user,
                                   .password = login->password,
                                   .aws = login->aws[0] ? login->aws : NULL,
                                   .ca_file = desk->conf->ca_file,
                                   .done = on_answer,
                                   .arg = survey};

    if (login->token)
        source_header(request, "X-Amz-Security-Token", login->token);
    for (size_t i = 0; i < SOURCE_HEADERS_MAX && request->headers[i]; i++)
        call.headers[i] = request->headers[i];
    return courier_post(survey->errand.errands->courier, &call);
}

static void ask(struct survey *survey, struct live *live)
{
    struct surveyor *surveyor = surveyor_of(survey);
    const struct plan_limits *limits = &metric_of(survey, live)->limits;
    struct desk *desk = desk_named(surveyor->desks, surveyor->desks_len, limits->source);
    struct source_query query = {.interval_ns = limits->interval_ns,
                                 .wall_ns = surveyor->errands.board->wall_ns};
    struct source_request request;
    struct login login;
    char why[EXTERNAL_WHY_MAX] = "", *text;
    enum awskeys_state state = desk ? find_login(surveyor, desk->conf, &login, why) : AWSKEYS_NONE;

    if (state == AWSKEYS_ASKED)
        return;
    survey->asked_ns = surveyor->errands.board->now_ns;
    if (!desk) {
        survey->errand.due_ns = survey->asked_ns + limits->interval_ns;
        snprintf(why, sizeof why, "the configuration has no metric source %s any more", limits->source);
        give(survey, live->run, 0, why);
        return;
    }
    query.token = desk->token;
    query.text = text = query_text(surveyor->errands.board, live, limits);
    if (state == AWSKEYS_READY && source_compose(desk->conf, &query, &request, why)) {
        survey->errand.call = post(survey, desk, &login, &request);
        source_request_fini(&request);
    } else {
        note(desk, 0, why);
        tell(survey, live, desk->conf->name, why);
        give(survey, live->run, 0, why);
    }
    if (survey->errand.call || why[0])
        survey->errand.due_ns = survey->asked_ns + limits->interval_ns;
    free(text);
}

static void look_at_metric(struct errands *errands, struct live *live, size_t i)
{
    struct survey *survey;

    if (live->run->plan->analysis.metrics[i].type != METRIC_EXTERNAL)
        return;
    survey = (struct survey *)errands_want(errands, live->run, i);
    if (errand_is_due(&survey->errand))
        ask(survey, live);
}

/* At weight 0 too, where a bad value holds. */
static void look_at_route(struct errands *errands, struct live *live)
{
    if (!rollout_is_under_way(live->run->rollout))
        return;
    for (size_t i = 0; i < live->run->plan->analysis.metrics_len; i++)
        look_at_metric(errands, live, i);
}

struct surveyor *surveyor_new(struct board *board, struct courier *courier)
{
    struct surveyor *surveyor = mem_zalloc(sizeof *surveyor);

    errands_init(&surveyor->errands, board, courier, sizeof(struct survey));
    surveyor->keys = awskeys_new(courier);
    adopt(surveyor);
    return surveyor;
}

void surveyor_look(struct surveyor *surveyor)
{
    if (surveyor->config != surveyor->errands.board->config)
        adopt(surveyor);
    for (size_t i = 0; i < surveyor->desks_len; i++)
        look_at_token(&surveyor->desks[i]);
    errands_look(&surveyor->errands, look_at_route);
}

void surveyor_free(struct surveyor *surveyor)
{
    if (!surveyor)
        return;
    errands_fini(&surveyor->errands);
    awskeys_free(surveyor->keys);
    for (size_t i = 0; i < surveyor->desks_len; i++)
        set_token(&surveyor->desks[i], NULL);
    config_unref(surveyor->config);
    free(surveyor);
}

size_t surveyor_len(const struct surveyor *surveyor)
{
    return surveyor->desks_len;
}

struct surveyor_stats surveyor_stats(const struct surveyor *surveyor, size_t i)
{
    const struct desk *desk = &surveyor->desks[i];

    return (struct surveyor_stats){.name = desk->conf->name,
                                   .values = desk->values,
                                   .empty = desk->empty,
                                   .failed = desk->failed,
                                   .problem = desk->problem};
}
