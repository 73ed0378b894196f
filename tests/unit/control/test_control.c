/* A whole control with its crew on free loopback ports, spoken to through the client and by hand. The targets
 * need not exist: nothing is proxied here. */
#include "control/control.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "conf/load.h"
#include "control/client.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef"

static char folder[] = "/tmp/penstock-control-XXXXXX";
static char *config_path;
static char admin[64];
static pthread_t thread;
static struct control_options options;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool ready;
static size_t decisions;
static int result;
static struct client *client;
static char why[CLIENT_WHY_MAX];

/* ---- the instance ---- */

static void on_ready(void *arg, const struct control_ready *at)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    ck_assert_uint_eq(at->listeners_len, 1);
    ck_assert_uint_eq(at->workers, 2);
    snprintf(admin, sizeof admin, "%s", at->admin);
    ready = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_decision(void *arg, const json_t *record)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    decisions += json_is_string(json_object_get(record, "text"));
    pthread_mutex_unlock(&lock);
}

static void *run(void *arg)
{
    (void)arg;
    result = control_run(&options);
    pthread_mutex_lock(&lock);
    ready = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void write_file(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

static void write_config(const char *routes)
{
    char *text = mem_printf("workers: 2\n"
                            "listeners: [ { address: '127.0.0.1:0' } ]\n"
                            "admin: { address: '127.0.0.1:0', tokenFile: token }\n"
                            "state: { directory: %s/state }\n"
                            "targetGroups:\n"
                            "  ec2: { targets: [ '127.0.0.1:1' ] }\n"
                            "  fargate: { targets: [ '127.0.0.1:2', '127.0.0.1:3' ] }\n"
                            "routes: [ %s ]\n",
                            folder, routes);

    write_file("penstock.yaml", text);
    free(text);
}

#define WEB  "{ name: web, match: { pathPrefix: / }, stable: ec2, canary: fargate, weight: 5 }"
#define LONE ", { name: lone, match: { pathPrefix: /lone }, stable: ec2 }"

static void start(void)
{
    ready = false;
    result = -1;
    options = (struct control_options){.config_path = config_path,
                                       .quiet = true,
                                       .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                       .tick_ns = 50 * NS_PER_MS,
                                       .ready = on_ready,
                                       .decision = on_decision};
    ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
    pthread_mutex_lock(&lock);
    while (!ready)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    ck_assert_int_eq(result, -1);
    client = client_new(&(struct client_options){.address = admin, .token = TOKEN, .actor = "tester"}, why);
    ck_assert_ptr_nonnull(client);
}

static void stop(void)
{
    client_free(client);
    control_stop(options.stop_fd);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(result, 0);
    close(options.stop_fd);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat, (void)kind, (void)place;
    return remove(path);
}

static void set_up(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    config_path = mem_printf("%s/penstock.yaml", folder);
    decisions = 0;
    write_file("token", TOKEN "\n");
    write_config(WEB LONE);
    start();
}

static void tear_down(void)
{
    stop();
    free(config_path);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- calls ---- */

static struct client_answer call(const char *method, const char *path, const char *type, const char *body)
{
    struct client_answer answer;

    if (!client_call(client, method, path, type, body ? str_from(body) : STR_NULL, &answer, why))
        ck_abort_msg("%s %s: %s", method, path, why);
    return answer;
}

static json_t *json_of(const char *method, const char *path, const char *body, unsigned status)
{
    struct client_answer answer = call(method, path, "application/json", body);
    json_t *json = json_incref(answer.json);

    ck_assert_msg(answer.status == status, "%s %s: %u %s", method, path, answer.status, answer.body);
    client_answer_fini(&answer);
    return json;
}

static double number_at(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static double weight(void)
{
    json_t *json = json_of("GET", "/v1/routes/web/weight", NULL, 200);
    double value = number_at(json, "canary");

    json_decref(json);
    return value;
}

/* The problem that the status tells of the route "web" has this in it. */
static void problem_is(const char *part)
{
    json_t *json = json_of("GET", "/v1/status", NULL, 200);
    const char *problem = text_at(json_array_get(json_object_get(json, "routes"), 0), "problem");

    ck_assert_msg(strstr(problem, part) != NULL, "%s", problem);
    json_decref(json);
}

static const char plan[] =
    "{\"name\": \"p\", \"analysis\": {\"metrics\": [{\"name\": \"errors\", \"type\": "
    "\"errorRate\"}]}, \"steps\": [{\"setWeight\": 1, \"minDwell\": \"1h\"}, {\"setWeight\": 100}]}";

#define JSON "application/json"

/* Every request and what it is answered with; none of them changes anything. */
static const struct {
    const char *method, *path, *type, *body;
    unsigned status;
    const char *says; /* in the body */
} table[] = {
    {"GET", "/healthz", NULL, NULL, 200, "alive"},
    {"GET", "/readyz", NULL, NULL, 200, "ready"},
    {"HEAD", "/v1/status", NULL, NULL, 200, ""},
    {"GET", "/v1/status", NULL, NULL, 200, "\"routes\""},
    {"GET", "/metrics", NULL, NULL, 200, "penstock_route_weight_ratio{route=\"web\"} 0.05"},
    {"GET", "/v1/routes/web/weight", NULL, NULL, 200, "\"canary\":5.0"},
    {"GET", "/v1/routes/we%62/weight", NULL, NULL, 200, "\"canary\":5.0"},
    {"GET", "/v1/routes/none/weight", NULL, NULL, 404, "there is no route none"},
    {"GET", "/v1/routes/web/rollout", NULL, NULL, 404, "no rollout"},
    {"GET", "/v1/routes//weight", NULL, NULL, 404, ""},
    {"GET", "/v1/routes/%zz/weight", NULL, NULL, 404, ""},
    {"GET", "/v1/routes/web%00/weight", NULL, NULL, 404, ""},
    {"GET", "/v1/decisions?limit=10&after=0", NULL, NULL, 200, "\"decisions\":[]"},
    {"GET", "/v1/decisions?limit=0", NULL, NULL, 400, "limit is a number from 1 to 1000"},
    {"GET", "/v1/decisions?after=x", NULL, NULL, 400, "after is a number"},
    {"GET", "/v1/history?route=web", NULL, NULL, 200, "\"step\":10,"},
    {"GET", "/v1/history?route=web&step=600&from=0", NULL, NULL, 200, "\"step\":600,"},
    {"GET", "/v1/history?route=web&step=5", NULL, NULL, 400, "step is"},
    {"GET", "/v1/history?route=web&from=-1", NULL, NULL, 400, "from"},
    {"GET", "/v1/history?route=none", NULL, NULL, 404, "no route"},
    {"GET", "/v1/history", NULL, NULL, 400, "route is missing"},
    {"GET", "/v1/groups/fargate/targets", NULL, NULL, 200, "127.0.0.1:3"},
    {"GET", "/v1/groups/none/targets", NULL, NULL, 404, "no group none"},
    {"GET", "/v1/none", NULL, NULL, 404, "there is nothing at /v1/none"},
    {"GET", "/v1/status/", NULL, NULL, 404, ""},
    {"GET", "/", NULL, NULL, 200, "<title>penstock</title>"},
    {"GET", "/page", NULL, NULL, 404, ""},
    {"GET", "/page/none.js", NULL, NULL, 404, "no file none.js"},
    {"DELETE", "/v1/status", NULL, NULL, 405, "but GET, HEAD"},
    {"POST", "/v1/routes/web/weight", JSON, "{}", 405, "but GET, HEAD, PUT"},
    {"GET", "/v1/config/reload", NULL, NULL, 405, "but POST"},
    {"OPTIONS", "/v1/status", NULL, NULL, 405, ""},
    {"PUT", "/v1/routes/web/weight", "text/plain", "{\"canary\": 1}", 415, "application/json"},
    {"PUT", "/v1/routes/web/weight", NULL, "{\"canary\": 1}", 415, ""},
    {"PUT", "/v1/routes/web/weight", JSON, "", 400, "no valid JSON"},
    {"PUT", "/v1/routes/web/weight", JSON, "{", 400, "line 1"},
    {"PUT", "/v1/routes/web/weight", JSON, "[1]", 400, "has to be a JSON object"},
    {"PUT", "/v1/routes/web/weight", JSON, "{}", 400, "say what to change"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 5, \"canary\": 6}", 400, "duplicate"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canari\": 5}", 400, "did you mean \\\"canary\\\"?"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 5, \"zzzzzzz\": 5}", 400, "unknown key"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": \"5\"}", 400, "a number from 0 to 100"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": -0.01}", 400, "a number from 0 to 100"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 100.01}", 400, "a number from 0 to 100"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 12.345}", 400, "steps of 0.01"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 1e999}", 400, ""},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 5, \"lock\": 1}", 400, "true or false"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 5, \"noRollback\": true}", 400,
     "how far a lock goes"},
    {"PUT", "/v1/routes/web/weight", JSON, "{\"canary\": 5, \"reason\": 7}", 400, "is a text"},
    {"PUT", "/v1/routes/none/weight", JSON, "{\"canary\": 5}", 404, "there is no route none"},
    {"PUT", "/v1/routes/lone/weight", JSON, "{\"canary\": 5}", 409, "no canary group"},
    {"POST", "/v1/routes/lone/rollout", JSON, plan, 409, "no canary group"},
    {"POST", "/v1/routes/web/rollout", "text/plain", plan, 415, "application/yaml"},
    {"POST", "/v1/routes/web/rollout", "application/yaml", "steps: [ { setWeigth: 5 } ]", 422, "setWeight"},
    {"POST", "/v1/routes/web/rollout", "application/yaml", "", 422, ""},
    {"PUT", "/v1/routes/web/rollout", JSON, plan, 404, "has no rollout"},
    {"PUT", "/v1/routes/web/rollout", "text/plain", plan, 415, "application/yaml"},
    {"PUT", "/v1/routes/web/rollout?force=maybe", JSON, plan, 400, "true or false"},
    {"POST", "/v1/routes/web/rollout/abort", JSON, "{}", 404, "has no rollout"},
    {"POST", "/v1/routes/web/rollout/dance", JSON, "{}", 404, ""},
    {"POST", "/v1/routes/web/rollout/promote", JSON, "{\"full\": 1}", 400, "true or false"},
    {"POST", "/v1/groups/fargate/targets/127.0.0.1%3A9/drain", JSON, "{}", 404, "no target 127.0.0.1:9"},
};

START_TEST(each_request_has_its_answer)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct client_answer answer = call(table[i].method, table[i].path, table[i].type, table[i].body);

        ck_assert_msg(answer.status == table[i].status && strstr(answer.body, table[i].says),
                      "%s %s %s: %u %s", table[i].method, table[i].path, table[i].body ? table[i].body : "",
                      answer.status, answer.body);
        if (answer.status >= 400 && strcmp(table[i].method, "HEAD") != 0) {
            ck_assert(number_at(answer.json, "status") == answer.status);
            ck_assert(text_at(answer.json, "title")[0] && text_at(answer.json, "type")[0]);
        }
        client_answer_fini(&answer);
    }
    ck_assert(weight() == 5);
}
END_TEST

START_TEST(a_weight_is_in_force_when_it_is_answered)
{
    json_t *json = json_of("PUT", "/v1/routes/web/weight", "{\"canary\": 12.5, \"lock\": true}", 200);

    ck_assert(number_at(json, "canary") == 12.5);
    ck_assert(json_is_true(json_object_get(json, "inForce")));
    ck_assert(json_is_true(json_object_get(json, "lock")));
    json_decref(json);
    json = json_of("PUT", "/v1/routes/web/weight", "{\"lock\": false}", 200);
    ck_assert(json_is_false(json_object_get(json, "lock")));
    ck_assert(number_at(json, "canary") == 12.5);
    json_decref(json);
    json = json_of("GET", "/v1/decisions", NULL, 200);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "decisions")), 1);
    ck_assert_ptr_nonnull(
        strstr(text_at(json_array_get(json_object_get(json, "decisions"), 0), "text"), "tester"));
    json_decref(json);
    ck_assert_uint_eq(decisions, 1);
}
END_TEST

START_TEST(weights_and_rollouts_are_taken_up_again)
{
    json_t *json = json_of("POST", "/v1/routes/web/rollout", plan, 201);
    char id[128];

    snprintf(id, sizeof id, "%s", text_at(json, "id"));
    ck_assert_str_eq(text_at(json, "state"), "running");
    ck_assert(number_at(json, "weight") == 1);
    json_decref(json);
    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 409));
    stop();
    start();
    json = json_of("GET", "/v1/routes/web/rollout", NULL, 200);
    ck_assert_str_eq(text_at(json, "id"), id);
    ck_assert_str_eq(text_at(json, "state"), "running");
    ck_assert(number_at(json, "weight") == 1 && weight() == 1);
    json_decref(json);
    json_decref(json_of("POST", "/v1/routes/web/rollout/abort", "{\"reason\": \"enough\"}", 200));
    ck_assert(weight() == 0);
}
END_TEST

/* The plan with one change: `what` of the text is `with`. */
static json_t *update(const char *query, const char *what, const char *with, unsigned status)
{
    const char *at = strstr(plan, what);
    char *path = mem_printf("/v1/routes/web/rollout%s", query), *text;
    json_t *json;

    ck_assert_ptr_nonnull(at);
    text = mem_printf("%.*s%s%s", (int)(at - plan), plan, with, at + strlen(what));
    json = json_of("PUT", path, text, status);
    free(text);
    free(path);
    return json;
}

static void refused(json_t *json, const char *why_not)
{
    ck_assert_msg(strstr(text_at(json, "detail"), why_not), "%s", text_at(json, "detail"));
    json_decref(json);
}

/* The decision of that reason; holds may have come after it. */
static json_t *updated(const json_t *list)
{
    json_t *decision;
    size_t i;

    json_array_foreach(list, i, decision)
    {
        if (strcmp(text_at(decision, "reason"), "updated") == 0)
            return decision;
    }
    ck_abort_msg("no decision says updated");
}

START_TEST(a_rollout_goes_on_by_another_plan)
{
    json_t *json, *change;
    char hash[32];

    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
    refused(update("", "errorRate", "latency", 422), "cannot be followed");
    refused(update("", "\"1h\"", "\"2h\"", 409), "steps[0] has begun");
    refused(update("?force=true", "\"errorRate\"", "\"errorRate\", \"tolerance\": 2", 409), "what is judged");
    json = update("", "{\"setWeight\": 100}", "{\"setWeight\": 50}, {\"setWeight\": 100}", 200);
    snprintf(hash, sizeof hash, "%s", text_at(json, "planHash"));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "changes")), 2);
    change = json_array_get(json_object_get(json, "changes"), 0);
    ck_assert_str_eq(text_at(change, "path"), "steps[1].setWeight");
    ck_assert_str_eq(text_at(change, "from"), "100");
    ck_assert_str_eq(text_at(change, "to"), "50");
    ck_assert(number_at(json, "weight") == 1);
    json_decref(json);
    json = json_of("GET", "/v1/decisions", NULL, 200);
    change = updated(json_object_get(json, "decisions"));
    ck_assert_str_eq(text_at(change, "text"), "tester changed the plan: steps[1].setWeight 100 -> 50, "
                                              "steps[2].setWeight none -> 100");
    ck_assert_uint_eq(json_array_size(json_object_get(change, "changes")), 2);
    json_decref(json);
    stop();
    start();
    json = json_of("GET", "/v1/routes/web/rollout", NULL, 200);
    ck_assert_str_eq(text_at(json, "planHash"), hash);
    ck_assert_str_eq(text_at(json, "state"), "running");
    json_decref(json);
    json_decref(update("?force=true", "\"1h\"", "\"2h\"", 200));
    json_decref(json_of("POST", "/v1/routes/web/rollout/abort", NULL, 200));
}
END_TEST

/* Each route has its own; a group that two canaries share is told of. */
START_TEST(routes_have_rollouts_at_the_same_time)
{
    json_t *json;

    write_config(WEB ", { name: api, match: { pathPrefix: /api }, stable: ec2, canary: fargate }");
    json_decref(json_of("POST", "/v1/config/reload", "{}", 200));
    json = json_of("POST", "/v1/routes/web/rollout", plan, 201);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "warnings")), 1); /* no latencySlo */
    json_decref(json);
    json = json_of("POST", "/v1/routes/api/rollout", plan, 201);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "warnings")), 2);
    ck_assert_ptr_nonnull(strstr(text_at(json_array_get(json_object_get(json, "warnings"), 0), "message"),
                                 "route web has a rollout to the group fargate too"));
    json_decref(json);
    json_decref(json_of("POST", "/v1/routes/api/rollout/abort", NULL, 200));
    json = json_of("GET", "/v1/routes/web/rollout", NULL, 200);
    ck_assert_str_eq(text_at(json, "state"), "running");
    json_decref(json);
    ck_assert(weight() == 1);
}
END_TEST

START_TEST(a_weight_by_hand_after_the_end_of_a_rollout_counts)
{
    json_t *json;

    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
    json_decref(json_of("POST", "/v1/routes/web/rollout/abort", NULL, 200));
    do {
        json = json_of("GET", "/v1/routes/web/rollout", NULL, 200);
        poll(NULL, 0, 10);
        ready = !strcmp(text_at(json, "state"), "rolledBack");
        json_decref(json);
    } while (!ready);
    json_decref(json_of("PUT", "/v1/routes/web/weight", "{\"canary\": 33}", 200));
    stop();
    start();
    ck_assert(weight() == 33);
    json_decref(json_of("POST", "/v1/routes/web/rollout/abort", "{}", 409));
}
END_TEST

START_TEST(a_stored_plan_that_is_not_the_one_that_was_saved_holds_its_route)
{
    sqlite3 *db;
    char *path;

    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
    stop();
    path = mem_printf("%s/state/penstock.db", folder);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "UPDATE rollout SET plan = plan || ' '", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    free(path);
    start();
    ck_assert(weight() == 1);
    json_decref(json_of("GET", "/v1/routes/web/rollout", NULL, 404));
    problem_is("the weight stays at 1 %");
}
END_TEST

START_TEST(a_way_back_that_the_database_does_not_know_counts)
{
    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
    stop();
    write_file("state/weights.json",
               "{\"version\": 1, \"weights\": {\"web\": {\"weight\": 0, \"locked\": false, "
               "\"lockedBack\": false, \"source\": \"rollout\", \"at\": 9000000000000000000}}}");
    start();
    ck_assert(weight() == 0);
    problem_is("older than the weight that was in force");
}
END_TEST

START_TEST(a_damaged_database_costs_the_rollout_and_not_the_weight)
{
    json_decref(json_of("PUT", "/v1/routes/web/weight", "{\"canary\": 40}", 200));
    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
    stop();
    write_file("state/penstock.db", "no database at all");
    start();
    ck_assert(weight() == 1);
    problem_is("could not be read");
    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
}
END_TEST

START_TEST(a_reload_takes_what_can_change_and_refuses_the_rest)
{
    json_t *json;

    write_config(WEB ", { name: more, match: { pathPrefix: /more }, stable: fargate }");
    json_decref(json_of("POST", "/v1/config/reload", "{}", 200));
    json_decref(json_of("GET", "/v1/routes/more/weight", NULL, 200));
    json_decref(json_of("GET", "/v1/routes/lone/weight", NULL, 404));
    write_config("{ name: web, match: { pathPrefix: / }, stable: ec3 }");
    json = json_of("POST", "/v1/config/reload", "{}", 422);
    ck_assert_ptr_nonnull(strstr(text_at(json, "detail"), "penstock.yaml:8:"));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "errors")), 1);
    json_decref(json);
    write_file("penstock.yaml", "listeners: [ { address: '127.0.0.1:0' } ]\nworkers: 3\n"
                                "targetGroups: { ec2: { targets: [ '127.0.0.1:1' ] } }\n"
                                "routes: [ { name: web, match: { pathPrefix: / }, stable: ec2 } ]\n");
    json = json_of("POST", "/v1/config/reload", "{}", 409);
    ck_assert_ptr_nonnull(strstr(text_at(json, "detail"), "workers cannot change while penstock runs"));
    json_decref(json);
    json_decref(json_of("GET", "/v1/routes/more/weight", NULL, 200));
}
END_TEST

START_TEST(a_route_with_a_rollout_keeps_its_groups)
{
    json_t *json;

    json_decref(json_of("POST", "/v1/routes/web/rollout", plan, 201));
    write_config("{ name: web, match: { pathPrefix: / }, stable: fargate, canary: ec2 }");
    json = json_of("POST", "/v1/config/reload", "{}", 409);
    ck_assert_ptr_nonnull(strstr(text_at(json, "detail"), "has a rollout that is running"));
    json_decref(json);
}
END_TEST

START_TEST(readiness_fails_when_a_used_group_has_no_target)
{
    json_decref(json_of("POST", "/v1/groups/fargate/targets/127.0.0.1%3A2/drain", "{}", 200));
    json_decref(json_of("GET", "/readyz", NULL, 200));
    json_decref(json_of("POST", "/v1/groups/fargate/targets/127.0.0.1%3A3/drain", "{}", 200));
    json_decref(json_of("GET", "/readyz", NULL, 503));
    json_decref(json_of("PUT", "/v1/routes/web/weight", "{\"canary\": 0}", 200));
    json_decref(json_of("GET", "/readyz", NULL, 200));
    json_decref(
        json_of("POST", "/v1/groups/fargate/targets/127.0.0.1%3A3/drain", "{\"draining\": false}", 200));
}
END_TEST

static bool see_events(void *arg, const char *name, const json_t *data)
{
    unsigned *seen = arg;

    if (!strcmp(name, "status") && json_is_array(json_object_get(data, "routes")))
        *seen |= 1;
    return *seen != 1;
}

START_TEST(the_stream_tells_the_status_with_each_tick)
{
    unsigned seen = 0;

    ck_assert_msg(client_stream(client, "/v1/stream", see_events, &seen, why), "%s", why);
    ck_assert_uint_eq(seen, 1);
}
END_TEST

START_TEST(a_client_says_why_there_is_no_answer)
{
    struct client *nobody = client_new(&(struct client_options){.address = "127.0.0.1:1"}, why);
    struct client_answer answer;

    ck_assert_ptr_nonnull(nobody);
    ck_assert(!client_call(nobody, "GET", "/v1/status", NULL, STR_NULL, &answer, why));
    ck_assert_ptr_nonnull(strstr(why, "127.0.0.1:1"));
    ck_assert_ptr_nonnull(strstr(why, "penstock serve"));
    client_free(nobody);
    ck_assert_ptr_null(client_new(&(struct client_options){.address = "ftp://x"}, why));
    ck_assert_ptr_null(client_new(&(struct client_options){.address = "unix:"}, why));
    ck_assert_ptr_null(client_new(&(struct client_options){.address = ""}, why));
}
END_TEST

/* ---- by hand ---- */

static int connect_raw(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t port;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert(str_to_u64(str_from(strchr(admin, ':') + 1), &port));
    addr.sin_port = htons((uint16_t)port);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

/* Everything that comes until the end. */
static char *read_all(int fd)
{
    struct text text;
    char piece[4096];
    ssize_t n;

    text_init(&text, 1 << 20);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        text_add(&text, piece, (size_t)n);
    close(fd);
    return text_take(&text);
}

START_TEST(a_request_is_the_same_however_it_is_cut)
{
    static const char request[] =
        "PUT /v1/routes/web/weight HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
        "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close"
        "\r\n\r\n5\r\n{\"can\r\nc\r\nary\": 12.25}\r\n0\r\n\r\n";

    for (size_t cut = 1; cut < sizeof request - 1; cut += 7) {
        int fd = connect_raw();
        char *answer;

        ck_assert_int_eq(send(fd, request, cut, 0), (ssize_t)cut);
        poll(NULL, 0, 1);
        ck_assert_int_eq(send(fd, request + cut, sizeof request - 1 - cut, 0),
                         (ssize_t)(sizeof request - 1 - cut));
        answer = read_all(fd);
        ck_assert_msg(strstr(answer, "HTTP/1.1 200 OK\r\n") == answer && strstr(answer, "\"canary\":12.25"),
                      "cut at %zu: %s", cut, answer);
        free(answer);
    }
}
END_TEST

START_TEST(requests_may_come_in_one_piece)
{
    static const char two[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    int fd = connect_raw();
    char *answer;

    ck_assert_int_eq(send(fd, two, sizeof two - 1, 0), sizeof two - 1);
    answer = read_all(fd);
    ck_assert_ptr_nonnull(strstr(answer, "alive"));
    ck_assert_ptr_nonnull(strstr(answer, "\"ready\""));
    ck_assert_ptr_nonnull(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "Content-Security-Policy: default-src 'none'"));
    ck_assert_ptr_null(strstr(answer, "Access-Control"));
    free(answer);
}
END_TEST

START_TEST(what_is_too_large_or_broken_is_refused_and_told)
{
    static const struct {
        const char *request;
        size_t filler;
        const char *answer;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 20000, "HTTP/1.1 431 "},
        {"GET / HTTP/1.1\nHost: localhost\n\n", 0, "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n\r\n", 0, "HTTP/1.1 400 "},
        {"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 0, "HTTP/1.1 505 "},
        {"CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, "HTTP/1.1 405 "},
        {"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n", 1048577, "HTTP/1.1 413 "},
        {"PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n", 0x200000,
         "HTTP/1.1 413 "},
        {"PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, "HTTP/1.1 400 "},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = connect_raw();
        char *filler = mem_alloc(rows[i].filler + 1), *answer;

        memset(filler, 'x', rows[i].filler);
        ck_assert_int_gt(send(fd, rows[i].request, strlen(rows[i].request), 0), 0);
        if (rows[i].filler)
            ck_assert_int_gt(send(fd, filler, rows[i].filler, MSG_NOSIGNAL), 0);
        answer = read_all(fd);
        ck_assert_msg(strstr(answer, rows[i].answer) == answer, "row %zu: %s", i, answer);
        ck_assert_ptr_nonnull(strstr(answer, "application/problem+json"));
        free(answer);
        free(filler);
    }
}
END_TEST

START_TEST(idle_connections_make_room)
{
    int fds[100];

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = connect_raw();
    json_decref(json_of("GET", "/healthz", NULL, 200));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, each_request_has_its_answer);
    tcase_add_test(tcase, a_weight_is_in_force_when_it_is_answered);
    tcase_add_test(tcase, weights_and_rollouts_are_taken_up_again);
    tcase_add_test(tcase, a_rollout_goes_on_by_another_plan);
    tcase_add_test(tcase, routes_have_rollouts_at_the_same_time);
    tcase_add_test(tcase, a_weight_by_hand_after_the_end_of_a_rollout_counts);
    tcase_add_test(tcase, a_stored_plan_that_is_not_the_one_that_was_saved_holds_its_route);
    tcase_add_test(tcase, a_way_back_that_the_database_does_not_know_counts);
    tcase_add_test(tcase, a_damaged_database_costs_the_rollout_and_not_the_weight);
    tcase_add_test(tcase, a_reload_takes_what_can_change_and_refuses_the_rest);
    tcase_add_test(tcase, a_route_with_a_rollout_keeps_its_groups);
    tcase_add_test(tcase, readiness_fails_when_a_used_group_has_no_target);
    tcase_add_test(tcase, the_stream_tells_the_status_with_each_tick);
    tcase_add_test(tcase, a_client_says_why_there_is_no_answer);
    tcase_add_test(tcase, a_request_is_the_same_however_it_is_cut);
    tcase_add_test(tcase, requests_may_come_in_one_piece);
    tcase_add_test(tcase, what_is_too_large_or_broken_is_refused_and_told);
    tcase_add_test(tcase, idle_connections_make_room);
    suite_add_tcase(suite, tcase);
    return suite;
}
