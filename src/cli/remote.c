#include "cli/remote.h"

#include "base/mem.h"
#include "cli/term.h"
#include "conf/config.h"
#include "conf/load.h"
#include "control/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_USUAL "127.0.0.1:9901"

enum { TOKEN_FILE_MAX = 4096 };

_Static_assert((int)REMOTE_WHY_MAX >= (int)CLIENT_WHY_MAX, "the client's reasons fit into ours");

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* ---- where it is, and with which token ---- */

char *remote_token_read(const char *path)
{
    char bytes[TOKEN_FILE_MAX];
    FILE *file = fopen(path, "re");
    struct str rest, line;
    size_t len;

    if (!file) {
        term_error("%s: cannot read the token: %s", path, strerror(errno));
        return NULL;
    }
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    rest = (struct str){bytes, len};
    if (!str_split(&rest, '\n', &line))
        line = STR_NULL;
    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;
    line = str_trim(line);
    if (line.len == 0) {
        term_error("%s: the file is empty; it should hold the token that the server's tokenFile holds", path);
        return NULL;
    }
    return mem_strndup(line.p, line.len);
}

/* An address to listen at, as one to connect to: every interface is reached by loopback. */
static char *address_to_dial(const char *listen)
{
    if (strncmp(listen, "0.0.0.0:", 8) == 0)
        return mem_printf("127.0.0.1:%s", listen + 8);
    if (strncmp(listen, "[::]:", 5) == 0)
        return mem_printf("[::1]:%s", listen + 5);
    return mem_strdup(listen);
}

struct place {
    char *address; /* NULL: not found yet */
    char *token;
};

static bool place_from_config(struct place *place, const char *path)
{
    struct conf_report report;
    struct config *config;
    bool ok = false;

    conf_report_init(&report);
    config = config_load(path, &report);
    if (!config) {
        conf_report_print(&report, stderr);
        term_error("%s: no admin address can be taken from a configuration with errors; --admin gives one",
                   path);
    } else if (!config->admin.enabled) {
        term_error("%s: this configuration has no `admin`; add it, or give the address with --admin", path);
    } else {
        if (!place->address)
            place->address = address_to_dial(config->admin.address.text);
        if (!place->token && config->admin.token)
            place->token = mem_strdup(config->admin.token);
        ok = true;
    }
    config_unref(config);
    conf_report_fini(&report);
    return ok;
}

static bool place_from_options(struct place *place, const struct args *args)
{
    const char *config = args_value(args, "config"), *admin = args_value(args, "admin");
    const char *token_file = args_value(args, "token-file");

    if (admin)
        place->address = mem_strdup(admin);
    if (token_file && !(place->token = remote_token_read(token_file)))
        return false;
    return !config || place_from_config(place, config);
}

/* Adds what the options left open. */
static bool place_from_environment(struct place *place)
{
    const char *config = environment("PENSTOCK_CONFIG"), *admin = environment("PENSTOCK_ADMIN");
    const char *token_file = environment("PENSTOCK_TOKEN_FILE"), *token = environment("PENSTOCK_TOKEN");

    if (!place->address && admin)
        place->address = mem_strdup(admin);
    if (!place->address && config && !place_from_config(place, config))
        return false;
    if (!place->token && token_file && !(place->token = remote_token_read(token_file)))
        return false;
    if (!place->token && token)
        place->token = mem_strdup(token);
    return true;
}

bool remote_open_at(struct remote *remote, const char *address, const char *token)
{
    const struct client_options options = {.address = address, .token = token};
    char why[CLIENT_WHY_MAX];

    *remote = (struct remote){.client = client_new(&options, why)};
    if (!remote->client) {
        term_error("%s", why);
        return false;
    }
    remote->address = mem_strdup(address);
    return true;
}

bool remote_open(struct remote *remote, const struct args *args)
{
    struct place place = {0};
    bool ok = place_from_options(&place, args) && place_from_environment(&place) &&
              remote_open_at(remote, place.address ? place.address : ADDRESS_USUAL, place.token);

    free(place.address);
    free(place.token);
    return ok;
}

void remote_close(struct remote *remote)
{
    client_free(remote->client);
    free(remote->address);
    *remote = (struct remote){0};
}

/* ---- calls ---- */

/* What a person can do about a status that the answer itself may not explain. */
static const char *advice(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
        return "\n  writes need the token of the server's configuration: -c FILE, --token-file FILE or "
               "$PENSTOCK_TOKEN";
    case 404:
        return "\n  `penstock status` lists the routes and their rollouts";
    default:
        return "";
    }
}

static json_t *answer_json(struct client_answer *answer, char why[static REMOTE_WHY_MAX])
{
    char problem[CLIENT_WHY_MAX];
    json_t *json = NULL;

    if (answer->status < 200 || answer->status > 299) {
        client_problem(answer, problem);
        snprintf(why, REMOTE_WHY_MAX, "%s%s", problem, advice(answer->status));
    } else if (answer->json) {
        json = json_incref(answer->json);
    } else if (answer->body_len == 0) {
        json = json_object();
    } else {
        snprintf(why, REMOTE_WHY_MAX, "the answer is no JSON; is this the admin address of a penstock?");
    }
    return json;
}

json_t *remote_send(struct remote *remote, const char *method, const char *type, struct str body,
                    const char *path, char why[static REMOTE_WHY_MAX])
{
    struct client_answer answer = {0};
    json_t *json;

    if (!client_call(remote->client, method, path, type, body, &answer, why))
        return NULL;
    json = answer_json(&answer, why);
    client_answer_fini(&answer);
    return json;
}

json_t *remote_try(struct remote *remote, const char *method, json_t *body, const char *path,
                   char why[static REMOTE_WHY_MAX])
{
    char *bytes = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_t *json = remote_send(remote, method, "application/json", str_from(bytes), path, why);

    json_decref(body);
    free(bytes);
    return json;
}

json_t *remote_call(struct remote *remote, const char *method, json_t *body, const char *path_fmt, ...)
{
    char *path, why[REMOTE_WHY_MAX];
    json_t *json;
    va_list ap;

    va_start(ap, path_fmt);
    BUG_ON(vasprintf(&path, path_fmt, ap) < 0);
    va_end(ap);
    json = remote_try(remote, method, body, path, why);
    if (!json)
        term_error("%s", why);
    free(path);
    return json;
}
