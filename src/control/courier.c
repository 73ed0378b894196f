#include "control/courier.h"

#include "base/clk.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TURN_MS = 1000,      /* the thread looks around at least so often while something is under way, */
    REST_MS = 600000,    /* and else */
    CONNECTIONS_MAX = 16 /* kept for the next request */
};

/* A request: control makes it, the thread takes it, and control frees it. */
struct call {
    uint64_t number;
    char *method, *url, *body; /* method NULL: POST */
    size_t body_len;
    char *user, *password, *aws, *ca_file; /* NULL: none */
    bool direct;
    struct text content;
    size_t content_max;
    bool too_long; /* the answer is */
    struct curl_slist *headers;
    CURL *easy; /* the thread's */
    long timeout_ms;
    courier_done *done; /* control's; NULL: nobody waits */
    void *arg;
    struct courier_answer answer;
    size_t text_len;
    char error[CURL_ERROR_SIZE];
    struct call *next; /* in `waiting`, in the thread's own list, or in `finished` */
    struct call *all;  /* control's list of all that are under way */
};

struct courier {
    bool runs; /* there is a thread */
    pthread_t thread;
    CURLM *multi;
    int fd;
    uint64_t last; /* number */
    struct call *all;
    size_t busy;
    struct call *carried; /* the thread's */
    pthread_mutex_t mutex;
    /* Below the mutex. */
    struct call *waiting, *finished;
    int64_t stop_ns; /* the thread ends then, or sooner when it has nothing to do; 0: it does not */
};

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

/* Passwords, and headers and answers that carry keys, are not left in freed memory. */
static void call_free(struct call *call)
{
    wipe(call->password);
    for (struct curl_slist *header = call->headers; header; header = header->next)
        wipe(header->data);
    if (call->content.p)
        explicit_bzero(call->content.p, call->content.len);
    curl_slist_free_all(call->headers);
    free(call->method);
    free(call->url);
    free(call->body);
    free(call->user);
    free(call->password);
    free(call->aws);
    free(call->ca_file);
    text_fini(&call->content);
    free(call);
}

/* ---- the thread
 * ------------------------------------------------------------------------------------------ */

/* Whatever a server says is shown to people: anything but printable ASCII becomes a blank. */
static size_t take_text(char *bytes, size_t size, size_t n, void *arg)
{
    struct call *call = arg;

    for (size_t i = 0; i < n && call->text_len < COURIER_TEXT_MAX - 1; i++)
        call->answer.text[call->text_len++] = (char)(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : ' ');
    return size * n;
}

static size_t take_content(char *bytes, size_t size, size_t n, void *arg)
{
    struct call *call = arg;

    if (call->content_max && size * n > call->content_max - call->content.len) {
        call->too_long = true;
        return 0; /* which libcurl takes for a failure */
    }
    if (call->content_max)
        text_add(&call->content, bytes, size * n);
    return take_text(bytes, size, n, arg);
}

/* The method, with what it carries. */
static void set_method(CURL *easy, const struct call *call)
{
    if (call->method && !strcmp(call->method, "GET")) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    if (call->method)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_login(CURL *easy, const struct call *call)
{
    if (call->user)
        curl_easy_setopt(easy, CURLOPT_USERNAME, call->user);
    if (call->password)
        curl_easy_setopt(easy, CURLOPT_PASSWORD, call->password);
    if (call->aws)
        curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, call->aws);
}

static void set_options(CURL *easy, struct call *call)
{
    set_method(easy, call);
    set_login(easy, call);
    if (call->direct)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (call->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca_file);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "penstock");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_content);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

static void finish(struct courier *courier, struct call *call)
{
    pthread_mutex_lock(&courier->mutex);
    call->next = courier->finished;
    courier->finished = call;
    pthread_mutex_unlock(&courier->mutex);
    (void)!eventfd_write(courier->fd, 1);
}

static void set_failure(struct call *call, CURLcode code)
{
    const char *why = call->error[0] ? call->error : curl_easy_strerror(code);

    if (call->too_long)
        why = "the answer is too long";
    call->answer.status = 0;
    call->text_len = 0;
    memset(call->answer.text, 0, sizeof call->answer.text);
    take_text((char *)(uintptr_t)why, 1, strlen(why), call);
}

static void begin(struct courier *courier, struct call *call)
{
    call->easy = curl_easy_init();
    if (call->easy) {
        set_options(call->easy, call);
        if (curl_multi_add_handle(courier->multi, call->easy) == CURLM_OK) {
            call->next = courier->carried;
            courier->carried = call;
            return;
        }
        curl_easy_cleanup(call->easy);
    }
    set_failure(call, CURLE_OUT_OF_MEMORY);
    finish(courier, call);
}

static void put_down(struct courier *courier, struct call *call)
{
    curl_multi_remove_handle(courier->multi, call->easy);
    curl_easy_cleanup(call->easy);
    call->easy = NULL;
}

static void end(struct courier *courier, CURL *easy, CURLcode code)
{
    struct call *call = NULL, **link = &courier->carried;
    long status = 0;
    curl_off_t after_s = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after_s);
    call->answer.status = (unsigned)status;
    call->answer.retry_after_ns = after_s > 0 && after_s < 24 * 3600 ? after_s * NS_PER_S : 0;
    if (code != CURLE_OK)
        set_failure(call, code);
    put_down(courier, call);
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    finish(courier, call);
}

/* What is new, in the order in which it was posted. False when it is time to end. */
static bool take_waiting(struct courier *courier)
{
    struct call *waiting, *first = NULL;
    int64_t stop_ns;

    pthread_mutex_lock(&courier->mutex);
    waiting = courier->waiting;
    courier->waiting = NULL;
    stop_ns = courier->stop_ns;
    pthread_mutex_unlock(&courier->mutex);
    while (waiting) {
        struct call *next = waiting->next;

        waiting->next = first;
        first = waiting;
        waiting = next;
    }
    while (first) {
        struct call *next = first->next;

        begin(courier, first);
        first = next;
    }
    return stop_ns == 0 || (courier->carried && clk_mono_ns() < stop_ns);
}

/* Whether anything has ended. */
static bool carry(struct courier *courier)
{
    const CURLMsg *message;
    bool ended = false;
    int running, left;

    curl_multi_perform(courier->multi, &running);
    while ((message = curl_multi_info_read(courier->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        end(courier, message->easy_handle, message->data.result);
        ended = true;
    }
    return ended;
}

/* After an end it looks whether that was the last one that the courier's own end waits for, before it rests.
 */
static void *run(void *arg)
{
    struct courier *courier = arg;

    pthread_setname_np(pthread_self(), "courier");
    while (take_waiting(courier))
        if (!carry(courier))
            curl_multi_poll(courier->multi, NULL, 0, courier->carried ? TURN_MS : REST_MS, NULL);
    for (struct call *call = courier->carried; call; call = call->next)
        put_down(courier, call);
    return NULL;
}

/* ---- control's side
 * -------------------------------------------------------------------------------------- */

struct courier *courier_new(void)
{
    struct courier *courier = mem_zalloc(sizeof *courier);

    pthread_mutex_init(&courier->mutex, NULL);
    courier->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (courier->fd >= 0)
        return courier;
    courier_free(courier, 0);
    return NULL;
}

static bool start_thread(struct courier *courier)
{
    if (!courier->multi && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        courier->multi = curl_multi_init();
    if (!courier->multi)
        return false;
    curl_multi_setopt(courier->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
    courier->runs = pthread_create(&courier->thread, NULL, run, courier) == 0;
    return courier->runs;
}

int courier_fd(const struct courier *courier)
{
    return courier->fd;
}

size_t courier_busy(const struct courier *courier)
{
    return courier->busy;
}

static struct call *call_new(const struct courier_request *request)
{
    struct call *call = mem_zalloc(sizeof *call);

    call->method = mem_strdup_if(request->method);
    call->url = mem_strdup(request->url);
    call->user = mem_strdup_if(request->user);
    call->password = mem_strdup_if(request->password);
    call->aws = mem_strdup_if(request->aws);
    call->direct = request->direct;
    call->ca_file = mem_strdup_if(request->ca_file);
    call->content_max = request->content_max;
    text_init(&call->content, request->content_max);
    call->body = mem_strndup(request->body.p, request->body.len);
    call->body_len = request->body.len;
    call->timeout_ms = (long)(request->timeout_ns / NS_PER_MS);
    call->done = request->done;
    call->arg = request->arg;
    for (size_t i = 0; i < COURIER_HEADERS_MAX && request->headers[i]; i++) {
        struct curl_slist *longer = curl_slist_append(call->headers, request->headers[i]);

        BUG_ON(!longer);
        call->headers = longer;
    }
    return call;
}

uint64_t courier_post(struct courier *courier, const struct courier_request *request)
{
    struct call *call;

    if (courier->busy >= COURIER_CALLS_MAX || (!courier->runs && !start_thread(courier)))
        return 0;
    call = call_new(request);
    call->number = ++courier->last;
    call->all = courier->all;
    courier->all = call;
    courier->busy++;
    pthread_mutex_lock(&courier->mutex);
    call->next = courier->waiting;
    courier->waiting = call;
    pthread_mutex_unlock(&courier->mutex);
    curl_multi_wakeup(courier->multi);
    return courier->last;
}

void courier_forget(struct courier *courier, uint64_t number)
{
    for (struct call *call = courier->all; call; call = call->all)
        if (call->number == number)
            call->done = NULL;
}

static void drop(struct courier *courier, struct call *call)
{
    struct call **link = &courier->all;

    while (*link != call)
        link = &(*link)->all;
    *link = call->all;
    courier->busy--;
    call_free(call);
}

void courier_look(struct courier *courier)
{
    struct call *call;
    eventfd_t value;

    (void)!eventfd_read(courier->fd, &value);
    pthread_mutex_lock(&courier->mutex);
    call = courier->finished;
    courier->finished = NULL;
    pthread_mutex_unlock(&courier->mutex);
    while (call) {
        struct call *next = call->next;

        call->answer.content = (struct str){call->content.p, call->content.len};
        if (call->done)
            call->done(call->arg, &call->answer);
        drop(courier, call);
        call = next;
    }
}

static void stop_thread(struct courier *courier, int64_t grace_ns)
{
    for (struct call *call = courier->all; call; call = call->all)
        call->done = NULL;
    pthread_mutex_lock(&courier->mutex);
    courier->stop_ns = clk_mono_ns() + grace_ns;
    pthread_mutex_unlock(&courier->mutex);
    curl_multi_wakeup(courier->multi);
    pthread_join(courier->thread, NULL);
}

void courier_free(struct courier *courier, int64_t grace_ns)
{
    if (!courier)
        return;
    if (courier->runs)
        stop_thread(courier, grace_ns);
    while (courier->all)
        drop(courier, courier->all);
    curl_multi_cleanup(courier->multi);
    pthread_mutex_destroy(&courier->mutex);
    if (courier->fd >= 0)
        close(courier->fd);
    free(courier);
}
