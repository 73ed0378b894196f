#include "control/client.h"

#include "base/clk.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 10000,
    SILENCE_S = 30, /* a stream sends something every second */
    ACTOR_MAX = 64, /* bytes with NUL */
};

struct client {
    CURL *curl;
    char *address; /* as given */
    char *base;    /* "http://127.0.0.1:9901" */
    char *socket;  /* path of a unix socket, or NULL */
    char *token;
    char actor[ACTOR_MAX];
    long timeout_ms;
};

/* ---- a client
 * ------------------------------------------------------------------------------------------------ */

static void login_at_host(char out[static ACTOR_MAX])
{
    const struct passwd *user = getpwuid(geteuid());
    char host[64] = "";

    gethostname(host, sizeof host - 1);
    snprintf(out, ACTOR_MAX, "%.30s@%.30s", user ? user->pw_name : "?", host);
}

/* A header value must not end its line. */
static void keep_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static bool address_parse(struct client *client, char why[static CLIENT_WHY_MAX])
{
    const char *address = client->address;

    if (str_starts_with(str_from(address), STR("unix:"))) {
        client->socket = mem_strdup(address + 5);
        client->base = mem_strdup("http://localhost");
        if (client->socket[0])
            return true;
        snprintf(why, CLIENT_WHY_MAX, "%s: a path must follow unix:", address);
        return false;
    }
    if (strstr(address, "://")) {
        size_t len = strlen(address);

        while (len > 0 && address[len - 1] == '/')
            len--;
        client->base = mem_strndup(address, len);
        if (!strncasecmp(address, "http://", 7) || !strncasecmp(address, "https://", 8))
            return true;
        snprintf(why, CLIENT_WHY_MAX, "%s: only http:// and https:// are spoken here", address);
        return false;
    }
    client->base = mem_printf("http://%s", address);
    if (address[0])
        return true;
    snprintf(why, CLIENT_WHY_MAX, "the address of the admin server is empty: give host:port or unix:/path");
    return false;
}

struct client *client_new(const struct client_options *options, char why[static CLIENT_WHY_MAX])
{
    struct client *client = mem_zalloc(sizeof *client);

    client->address = mem_strdup(options->address);
    client->token = options->token ? mem_strdup(options->token) : NULL;
    client->timeout_ms = options->timeout_ns > 0 ? (long)(options->timeout_ns / NS_PER_MS) : TIMEOUT_MS;
    if (options->actor)
        snprintf(client->actor, sizeof client->actor, "%s", options->actor);
    else
        login_at_host(client->actor);
    keep_printable(client->actor);
    client->curl = curl_easy_init();
    if (!client->curl)
        snprintf(why, CLIENT_WHY_MAX, "libcurl cannot start");
    if (!client->curl || !address_parse(client, why)) {
        client_free(client);
        return NULL;
    }
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client->address);
    free(client->base);
    free(client->socket);
    free(client->token);
    free(client);
}

/* ---- calls
 * --------------------------------------------------------------------------------------------------- */

static void add_header(struct curl_slist **headers, char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    BUG_ON(!longer);
    *headers = longer;
    free(line);
}

static struct curl_slist *headers_of(const struct client *client, const char *type)
{
    struct curl_slist *headers = NULL;

    add_header(&headers, mem_strdup("Expect:"));
    add_header(&headers, mem_printf("Penstock-Actor: %s", client->actor));
    if (client->token)
        add_header(&headers, mem_printf("Authorization: Bearer %s", client->token));
    /* Without a value libcurl leaves the field out, which it would make up for a POST. */
    add_header(&headers, mem_printf("Content-Type:%s%s", type ? " " : "", type ? type : ""));
    return headers;
}

/* What calls and streams share. The address is for this machine or its network: never through a proxy. */
static void prepare(struct client *client, const char *url, const struct curl_slist *headers, char *error)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "penstock");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, client->timeout_ms);
}

static void failed(const struct client *client, CURLcode code, const char *error,
                   char why[static CLIENT_WHY_MAX])
{
    const char *advice = "";

    if (code == CURLE_COULDNT_CONNECT)
        advice = ": is `penstock serve` running, and is this the `admin` address of its configuration?";
    else if (code == CURLE_OPERATION_TIMEDOUT)
        advice = ": it did not answer in time";
    snprintf(why, CLIENT_WHY_MAX, "penstock at %s: %.200s%s", client->address,
             error[0] ? error : curl_easy_strerror(code), advice);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct text *body = arg;

    text_add(body, bytes, size * count);
    return body->full ? 0 : size * count;
}

static bool perform(struct client *client, struct text *body, unsigned *status_r, const char *error,
                    char why[static CLIENT_WHY_MAX])
{
    CURLcode code = curl_easy_perform(client->curl);
    long status = 0;

    if (code == CURLE_WRITE_ERROR && body->full) {
        snprintf(why, CLIENT_WHY_MAX, "penstock at %s: the answer is longer than %d bytes", client->address,
                 CLIENT_BODY_MAX);
        return false;
    }
    if (code != CURLE_OK) {
        failed(client, code, error, why);
        return false;
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    *status_r = (unsigned)status;
    return true;
}

bool client_call(struct client *client, const char *method, const char *path, const char *type,
                 struct str body, struct client_answer *answer_r, char why[static CLIENT_WHY_MAX])
{
    char *url = mem_printf("%s%s", client->base, path);
    struct curl_slist *headers = headers_of(client, body.p ? type : NULL);
    char error[CURL_ERROR_SIZE] = "";
    struct text answer;
    unsigned status = 0;
    bool ok;

    text_init(&answer, CLIENT_BODY_MAX);
    prepare(client, url, headers, error);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, client->timeout_ms);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &answer);
    if (!strcmp(method, "HEAD")) {
        curl_easy_setopt(client->curl, CURLOPT_NOBODY, 1L);
    } else if (body.p || strcmp(method, "GET")) {
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.p ? body.p : "");
    }
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    ok = perform(client, &answer, &status, error, why);
    if (ok) {
        answer_r->status = status;
        answer_r->body_len = answer.len;
        answer_r->json = json_loadb(answer.p ? answer.p : "", answer.len, JSON_DECODE_ANY, NULL);
        answer_r->body = text_take(&answer);
    }
    text_fini(&answer);
    curl_slist_free_all(headers);
    free(url);
    return ok;
}

void client_answer_fini(struct client_answer *answer)
{
    json_decref(answer->json);
    free(answer->body);
    *answer = (struct client_answer){0};
}

static const char *member(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

void client_problem(const struct client_answer *answer, char why[static CLIENT_WHY_MAX])
{
    const json_t *errors = json_object_get(answer->json, "errors");
    const char *text = member(answer->json, "detail");
    struct buf buf;
    const json_t *error;
    size_t i;

    buf_init(&buf, why, CLIENT_WHY_MAX - 1);
    if (!text[0])
        text = member(answer->json, "title");
    if (text[0])
        buf_printf(&buf, "%.400s", text);
    else
        buf_printf(&buf, "it answered with status %u", answer->status);
    json_array_foreach(errors, i, error)
        buf_printf(&buf, "\n%s:%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT ": %s", member(error, "file"),
                   json_integer_value(json_object_get(error, "line")),
                   json_integer_value(json_object_get(error, "column")), member(error, "message"));
    why[buf.len] = '\0';
}

char *client_segment(const char *text)
{
    struct text out;

    text_init(&out, 3 * strlen(text) + 1);
    text_percent(&out, str_from(text));
    return text_take(&out);
}

/* ---- streams
 * ------------------------------------------------------------------------------------------------- */

/* Server-sent events (WHATWG HTML, "Parsing an event stream"), as far as the admin server sends them. */
struct stream {
    struct text line;
    struct text data;
    char name[32];
    bool ended; /* by `event` */
    bool (*event)(void *arg, const char *name, const json_t *data);
    void *arg;
};

static void stream_dispatch(struct stream *stream)
{
    json_t *data =
        stream->data.len ? json_loadb(stream->data.p, stream->data.len, JSON_DECODE_ANY, NULL) : NULL;

    if (data)
        stream->ended = !stream->event(stream->arg, stream->name, data);
    json_decref(data);
    stream->data.len = 0;
    stream->name[0] = '\0';
}

static void stream_line(struct stream *stream)
{
    struct str line = {stream->line.p, stream->line.len};

    if (line.len == 0) {
        stream_dispatch(stream);
    } else if (str_starts_with(line, STR("event: "))) {
        snprintf(stream->name, sizeof stream->name, "%.*s", (int)line.len - 7, line.p + 7);
    } else if (str_starts_with(line, STR("data: "))) {
        text_add(&stream->data, line.p + 6, line.len - 6);
    }
    stream->line.len = 0;
}

static size_t take_stream(char *bytes, size_t size, size_t count, void *arg)
{
    struct stream *stream = arg;

    for (size_t i = 0; i < size * count && !stream->ended; i++) {
        if (bytes[i] == '\n')
            stream_line(stream);
        else
            text_add(&stream->line, bytes + i, 1);
    }
    return stream->ended || stream->line.full || stream->data.full ? 0 : size * count;
}

bool client_stream(struct client *client, const char *path,
                   bool (*event)(void *arg, const char *name, const json_t *data), void *arg,
                   char why[static CLIENT_WHY_MAX])
{
    char *url = mem_printf("%s%s", client->base, path);
    struct curl_slist *headers = headers_of(client, NULL);
    char error[CURL_ERROR_SIZE] = "";
    struct stream stream = {.event = event, .arg = arg};
    CURLcode code;

    add_header(&headers, mem_strdup("Accept: text/event-stream"));
    text_init(&stream.line, CLIENT_BODY_MAX);
    text_init(&stream.data, CLIENT_BODY_MAX);
    prepare(client, url, headers, error);
    curl_easy_setopt(client->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_stream);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &stream);
    code = curl_easy_perform(client->curl);
    if (code == CURLE_OK)
        snprintf(why, CLIENT_WHY_MAX, "penstock at %s ended the stream", client->address);
    else if (!stream.ended)
        failed(client, code, error, why);
    text_fini(&stream.line);
    text_fini(&stream.data);
    curl_slist_free_all(headers);
    free(url);
    return stream.ended;
}
