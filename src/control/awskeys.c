#include "control/awskeys.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/courier.h"
#include "export/logvalue.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_URL "http://169.254.170.2"
#define INSTANCE_URL  "http://169.254.169.254"
#define ROLES         "/latest/meta-data/iam/security-credentials/"
enum { VALUE_MAX = 8192, CONTENT_MAX = 64 * 1024 };
static const int64_t early_ns = 300 * NS_PER_S; /* before they expire */
static const int64_t again_ns = 30 * NS_PER_S;  /* after an answer */
static const int64_t timeout_ns = 5 * NS_PER_S;

enum step {
    STEP_NONE,  /* nothing is under way */
    STEP_KEYS,  /* the keys themselves */
    STEP_TOKEN, /* of IMDSv2, */
    STEP_ROLE,  /* and the name of the instance's role */
};

struct awskeys {
    struct courier *courier;
    enum step step;
    uint64_t call;
    char *id, *secret, *token; /* NULL: not known */
    int64_t until_ns;          /* wall clock; INT64_MAX: they do not expire */
    int64_t pause_ns;          /* wall clock: nothing is asked until then */
    char *pass;                /* the token of IMDSv2 */
    char why[EXTERNAL_WHY_MAX];
    int64_t wall_ns;
};

static void wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static void forget(struct awskeys *keys)
{
    wipe(&keys->id);
    wipe(&keys->secret);
    wipe(&keys->token);
    keys->until_ns = 0;
}

static void set_step(struct awskeys *keys, enum step step)
{
    keys->step = step;
    if (step == STEP_NONE)
        wipe(&keys->pass);
}

static void fail(struct awskeys *keys, const char *why)
{
    snprintf(keys->why, sizeof keys->why, "no keys for AWS: %.*s", (int)sizeof keys->why - 32, why);
    keys->pause_ns = keys->wall_ns + again_ns;
    set_step(keys, STEP_NONE);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* ---- answers ---- */

/* A time from the year 2200 on, which is too far away to be counted, is never. `text` is changed. */
static bool is_far(char *text)
{
    int64_t wall_ns;

    if (strspn(text, "0123456789") != 4 || memcmp(text, "2200", 4) < 0)
        return false;
    memcpy(text, "2192", 4); /* a leap year too */
    return logvalue_time(str_from(text), &wall_ns);
}

/* When the keys expire; INT64_MAX when that is not said. False when it cannot be read. */
static bool read_expiration(const json_t *json, int64_t *until_ns_r)
{
    const json_t *expiration = json_object_get(json, "Expiration");
    char text[64];

    *until_ns_r = INT64_MAX;
    if (!expiration || json_is_null(expiration))
        return true;
    snprintf(text, sizeof text, "%s", json_is_string(expiration) ? json_string_value(expiration) : "");
    return logvalue_time(str_from(text), until_ns_r) || is_far(text);
}

static char *member(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text && *text && strlen(text) < VALUE_MAX ? mem_strdup(text) : NULL;
}

/* Puts the keys of an answer in the place of those that there were, which stay when there is a reason against
 * the new ones; NULL: there is none. */
static const char *replace(struct awskeys *keys, const json_t *json)
{
    struct awskeys fresh = {.id = member(json, "AccessKeyId"),
                            .secret = member(json, "SecretAccessKey"),
                            .token = member(json, "Token")};
    const char *why = NULL;

    if (!fresh.id || !fresh.secret)
        why = "the answer of their endpoint has none";
    else if (!read_expiration(json, &fresh.until_ns))
        why = "the answer of their endpoint has an Expiration that is no time";
    else if (fresh.until_ns <= keys->wall_ns)
        why = "those of their endpoint have expired";
    if (why) {
        forget(&fresh);
        return why;
    }
    forget(keys);
    keys->id = fresh.id;
    keys->secret = fresh.secret;
    keys->token = fresh.token;
    keys->until_ns = fresh.until_ns;
    return NULL;
}

/* An endpoint may give the same keys until shortly before their end: it is asked again after a pause. */
static void take_keys(struct awskeys *keys, struct str content)
{
    json_t *json = json_loadb(content.len ? content.p : "", content.len, 0, NULL);
    const char *why = replace(keys, json);

    json_decref(json);
    if (why) {
        fail(keys, why);
        return;
    }
    keys->pause_ns = keys->wall_ns + again_ns;
    if (keys->pause_ns > keys->until_ns)
        keys->pause_ns = keys->until_ns;
    set_step(keys, STEP_NONE);
}

static void ask(struct awskeys *keys, enum step step, const char *method, const char *url,
                const char *header);

/* The first line of an answer, as a token or a name. */
static char *line_of(struct str content)
{
    size_t len = 0;

    while (len < content.len && len < VALUE_MAX && content.p[len] > ' ' && content.p[len] <= '~')
        len++;
    return len ? mem_strndup(content.p, len) : NULL;
}

static const char *instance_url(void)
{
    const char *url = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");

    return url ? url : INSTANCE_URL;
}

static void ask_instance(struct awskeys *keys, enum step step, const char *role)
{
    char *url = mem_printf("%s" ROLES "%s", instance_url(), role);
    char *header = mem_printf("X-aws-ec2-metadata-token: %s", keys->pass);

    ask(keys, step, "GET", url, header);
    wipe(&header);
    free(url);
}

static void take_token(struct awskeys *keys, struct str content)
{
    keys->pass = line_of(content);
    if (keys->pass)
        ask_instance(keys, STEP_ROLE, "");
    else
        fail(keys, "the metadata service gives no token");
}

static void take_role(struct awskeys *keys, struct str content)
{
    char *role = line_of(content);

    if (role)
        ask_instance(keys, STEP_KEYS, role);
    else
        fail(keys, "the instance has no role");
    free(role);
}

static void on_answer(void *arg, const struct courier_answer *answer)
{
    struct awskeys *keys = arg;
    char why[EXTERNAL_WHY_MAX];

    keys->call = 0;
    if (answer->status != 200) {
        snprintf(why, sizeof why, "status %u", answer->status);
        fail(keys, answer->status ? why : answer->text);
        return;
    }
    switch (keys->step) {
    case STEP_NONE:
        return;
    case STEP_KEYS:
        take_keys(keys, answer->content);
        return;
    case STEP_TOKEN:
        take_token(keys, answer->content);
        return;
    case STEP_ROLE:
        take_role(keys, answer->content);
        return;
    }
}

/* ---- questions ---- */

static void ask(struct awskeys *keys, enum step step, const char *method, const char *url, const char *header)
{
    struct courier_request request = {.method = method,
                                      .url = url,
                                      .headers = {header},
                                      .timeout_ns = timeout_ns,
                                      .content_max = CONTENT_MAX,
                                      .direct = true,
                                      .done = on_answer,
                                      .arg = keys};

    set_step(keys, step);
    keys->call = courier_post(keys->courier, &request);
    if (!keys->call)
        fail(keys, "too many requests are under way");
}

/* What the container's endpoint is told; NULL: nothing. The file may be another one each time. */
static char *authorization(void)
{
    const char *path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char bytes[VALUE_MAX];
    char *line, *header;
    FILE *file = path ? fopen(path, "re") : NULL;
    size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;

    if (file)
        fclose(file);
    line = line_of(path || !text ? (struct str){bytes, len} : str_from(text));
    header = line ? mem_printf("Authorization: %s", line) : NULL;
    wipe(&line);
    explicit_bzero(bytes, sizeof bytes);
    return header;
}

static void ask_container(struct awskeys *keys, const char *base, const char *path)
{
    char *url = mem_printf("%s%s", base, path), *header = authorization();

    ask(keys, STEP_KEYS, "GET", url, header);
    wipe(&header);
    free(url);
}

static void begin(struct awskeys *keys)
{
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    char *url;

    if (relative || full) {
        ask_container(keys, relative ? CONTAINER_URL : "", relative ? relative : full);
        return;
    }
    if (disabled && !strcmp(disabled, "true")) {
        fail(keys, "neither the configuration nor the environment has any");
        return;
    }
    url = mem_printf("%s/latest/api/token", instance_url());
    ask(keys, STEP_TOKEN, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 300");
    free(url);
}

/* ---- outside ---- */

struct awskeys *awskeys_new(struct courier *courier)
{
    struct awskeys *keys = mem_zalloc(sizeof *keys);

    keys->courier = courier;
    return keys;
}

enum awskeys_state awskeys_get(struct awskeys *keys, int64_t wall_ns, struct awskeys_view *view_r,
                               char why[static EXTERNAL_WHY_MAX])
{
    const char *id = variable("AWS_ACCESS_KEY_ID"), *secret = variable("AWS_SECRET_ACCESS_KEY");

    keys->wall_ns = wall_ns;
    if (id && secret) {
        *view_r = (struct awskeys_view){id, secret, variable("AWS_SESSION_TOKEN")};
        return AWSKEYS_READY;
    }
    if (keys->step == STEP_NONE && wall_ns >= keys->pause_ns &&
        (!keys->id || wall_ns >= keys->until_ns - early_ns))
        begin(keys);
    if (keys->id && wall_ns < keys->until_ns) {
        *view_r = (struct awskeys_view){keys->id, keys->secret, keys->token};
        return AWSKEYS_READY;
    }
    if (keys->step != STEP_NONE)
        return AWSKEYS_ASKED;
    snprintf(why, EXTERNAL_WHY_MAX, "%s", keys->why);
    return AWSKEYS_NONE;
}

void awskeys_free(struct awskeys *keys)
{
    if (!keys)
        return;
    courier_forget(keys->courier, keys->call);
    forget(keys);
    wipe(&keys->pass);
    free(keys);
}
