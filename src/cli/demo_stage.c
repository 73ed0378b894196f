#include "cli/demo_stage.h"

#include "base/clk.h"
#include "base/rnd.h"
#include "cli/demo_proxy.h"
#include "cli/demo_target.h"
#include "cli/demo_traffic.h"
#include "cli/term.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STABLE  "ec2"
#define CANARY  "fargate"
#define ROLLOUT "/v1/routes/web/rollout"
#define WEIGHT  "/v1/routes/web/weight"

enum {
    TARGETS = 3, /* in each group */
    USERS = 5000,
    DECISIONS_KEPT = 100,
    TICKS_A_SECOND_MOST = 10,
    LEAD_S = 3, /* of traffic before the rollout begins, in the plan's time */
};

/* ---- start and end ---- */

/* How the groups behave now. */
static void script(const struct demo_stage *stage, int64_t now_ns, struct demo_behaviour *stable_r,
                   struct demo_behaviour *canary_r)
{
    const struct demo_moment moment = {.weight = stage->route.weight,
                                       .since_ns = stage->canary_ns ? now_ns - stage->canary_ns : -1,
                                       .rate = stage->options.rate,
                                       .speed = stage->options.speed};

    demo_fault_behave(stage->options.fault, &moment, stable_r, canary_r);
}

static bool open_groups(struct demo_stage *stage)
{
    struct demo_behaviour stable, canary;
    char why[DEMO_WHY_MAX];
    struct rnd rnd;

    rnd_init(&rnd);
    script(stage, 0, &stable, &canary);
    stage->stable = demo_group_start(STABLE, TARGETS, &stable, rnd_u64(&rnd), why);
    if (stage->stable)
        stage->canary = demo_group_start(CANARY, TARGETS, &canary, rnd_u64(&rnd), why);
    if (!stage->canary)
        term_error("demo: %s", why);
    return stage->canary != NULL;
}

static bool open_files(struct demo_stage *stage)
{
    const struct demo_setup setup = {.stable = stage->stable,
                                     .canary = stage->canary,
                                     .targets = TARGETS,
                                     .stable_name = STABLE,
                                     .canary_name = CANARY,
                                     .speed = stage->options.speed,
                                     .access_log = stage->options.access_log};
    char why[DEMO_WHY_MAX];

    if (demo_files_make(&stage->files, &setup, why))
        return true;
    term_error("demo: %s", why);
    return false;
}

static bool open_proxy(struct demo_stage *stage)
{
    double ticks = fmin(fmax(stage->options.speed, 1), TICKS_A_SECOND_MOST);

    stage->proxy = demo_proxy_start(stage->files.config, (int64_t)((double)NS_PER_S / ticks));
    if (stage->proxy)
        return remote_open_at(&stage->remote, demo_proxy_admin(stage->proxy), stage->files.token);
    term_error("demo: the proxy did not start; the lines above say why");
    return false;
}

static bool open_traffic(struct demo_stage *stage)
{
    const char *port = strrchr(demo_proxy_address(stage->proxy), ':');
    struct demo_traffic_options traffic = {.host = "demo.example",
                                           .rate = stage->options.rate,
                                           .users = USERS,
                                           .to.sin_family = AF_INET,
                                           .to.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char why[TRAFFIC_WHY_MAX];
    struct rnd rnd;

    rnd_init(&rnd);
    traffic.seed = rnd_u64(&rnd);
    traffic.to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    stage->traffic = demo_traffic_start(&traffic, why);
    if (!stage->traffic)
        term_error("demo: %s", why);
    return stage->traffic != NULL;
}

static bool start_rollout(struct demo_stage *stage, char why[static REMOTE_WHY_MAX])
{
    json_t *answer =
        remote_send(&stage->remote, "POST", "application/yaml", str_from(stage->files.plan), ROLLOUT, why);
    bool ok = answer != NULL;

    json_decref(answer);
    return ok;
}

bool demo_stage_open(struct demo_stage *stage, const struct demo_stage_options *options)
{
    char why[REMOTE_WHY_MAX];

    *stage = (struct demo_stage){.options = *options, .decisions = json_array()};
    if (!open_groups(stage) || !open_files(stage) || !open_proxy(stage) || !open_traffic(stage))
        return false;
    stage->start_ns = clk_mono_ns();
    stage->again = true;
    if (demo_stage_look(stage, stage->start_ns, why))
        return true;
    term_error("demo: %s", why);
    return false;
}

/* The clients end first and the servers last, so that no request is cut. */
void demo_stage_close(struct demo_stage *stage)
{
    demo_traffic_free(stage->traffic);
    remote_close(&stage->remote);
    demo_proxy_free(stage->proxy);
    demo_group_free(stage->stable);
    demo_group_free(stage->canary);
    json_decref(stage->status);
    json_decref(stage->decisions);
    demo_files_remove(&stage->files);
}

/* ---- looking ---- */

static void take_decisions(struct demo_stage *stage, const json_t *answer)
{
    json_t *list = json_object_get(answer, "decisions"), *record;
    size_t i;

    json_array_foreach(list, i, record)
    {
        json_int_t id = json_integer_value(json_object_get(record, "id"));

        if (id <= stage->last_id)
            continue;
        stage->last_id = id;
        json_array_append(stage->decisions, record);
        if (json_array_size(stage->decisions) > DECISIONS_KEPT)
            json_array_remove(stage->decisions, 0);
    }
}

static bool ask_decisions(struct demo_stage *stage, char why[static REMOTE_WHY_MAX])
{
    json_t *answer;
    char path[64];
    bool ok;

    snprintf(path, sizeof path, "/v1/decisions?after=%lld&limit=%d", (long long)stage->last_id,
             DECISIONS_KEPT);
    answer = remote_try(&stage->remote, "GET", NULL, path, why);
    ok = answer != NULL;
    if (ok)
        take_decisions(stage, answer);
    json_decref(answer);
    return ok;
}

static bool ask_status(struct demo_stage *stage, char why[static REMOTE_WHY_MAX])
{
    json_t *status = remote_try(&stage->remote, "GET", NULL, "/v1/status", why);

    if (!status)
        return false;
    json_decref(stage->status);
    stage->status = status;
    state_route_read(&stage->route, state_find_route(status, "web"));
    return true;
}

/* No rollout is under way. */
static bool is_over(const struct demo_stage *stage)
{
    const char *state = stage->route.rollout.state;

    return !stage->route.rollout.exists || strcmp(state, "promoted") == 0 || strcmp(state, "rolledBack") == 0;
}

/* Begins a rollout from 0, when the clients have asked for a while and the old one has ended. */
static bool begin(struct demo_stage *stage, int64_t now_ns, char why[static REMOTE_WHY_MAX])
{
    double waited_s = (double)(now_ns - stage->start_ns) / NS_PER_S * stage->options.speed;
    json_t *answer;
    bool ok;

    if (!is_over(stage) || waited_s < LEAD_S)
        return true;
    answer = remote_try(&stage->remote, "PUT", json_pack("{s:i}", "canary", 0), WEIGHT, why);
    ok = answer && start_rollout(stage, why);
    json_decref(answer);
    stage->again = false;
    stage->canary_ns = 0;
    return ok;
}

bool demo_stage_look(struct demo_stage *stage, int64_t now_ns, char why[static REMOTE_WHY_MAX])
{
    struct demo_behaviour stable, canary;

    if (!ask_status(stage, why) || !ask_decisions(stage, why))
        return false;
    if (stage->canary_ns == 0 && stage->route.weight > 0)
        stage->canary_ns = now_ns;
    script(stage, now_ns, &stable, &canary);
    demo_group_behave(stage->stable, &stable);
    demo_group_behave(stage->canary, &canary);
    return !stage->again || begin(stage, now_ns, why);
}

/* ---- orders ---- */

bool demo_stage_order(struct demo_stage *stage, const char *order, char why[static REMOTE_WHY_MAX])
{
    char path[64];
    json_t *answer;
    bool ok;

    snprintf(path, sizeof path, ROLLOUT "/%s", order);
    answer = remote_try(&stage->remote, "POST", json_object(), path, why);
    ok = answer != NULL;
    json_decref(answer);
    return ok;
}

bool demo_stage_restart(struct demo_stage *stage, char why[static REMOTE_WHY_MAX])
{
    stage->again = true;
    stage->start_ns = clk_mono_ns();
    return is_over(stage) || demo_stage_order(stage, "abort", why);
}

void demo_stage_show(const struct demo_stage *stage, int64_t now_ns, struct demo_show *show_r)
{
    *show_r = (struct demo_show){.fault = stage->options.fault,
                                 .rate = stage->options.rate,
                                 .users = USERS,
                                 .address = demo_proxy_address(stage->proxy),
                                 .admin = demo_proxy_admin(stage->proxy),
                                 .access_log = stage->options.access_log,
                                 .elapsed_s = (now_ns - stage->start_ns) / NS_PER_S,
                                 .route = &stage->route,
                                 .decisions = stage->decisions,
                                 .notice = ""};
    demo_traffic_count(stage->traffic, &show_r->counts);
}
