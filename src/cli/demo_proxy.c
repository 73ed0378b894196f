#include "cli/demo_proxy.h"

#include "base/log.h"
#include "base/mem.h"
#include "control/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct demo_proxy {
    struct control_options options;
    pthread_t thread;
    int stop_fd;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t change;
    char *address, *admin; /* set once, before `ready` */
    bool ready;
    bool over;
};

static void on_ready(void *arg, const struct control_ready *ready)
{
    struct demo_proxy *proxy = arg;

    pthread_mutex_lock(&proxy->lock);
    proxy->address = mem_strdup(ready->listeners[0]);
    proxy->admin = mem_strdup(ready->admin);
    proxy->ready = true;
    pthread_cond_signal(&proxy->change);
    pthread_mutex_unlock(&proxy->lock);
}

static void *proxy_main(void *arg)
{
    struct demo_proxy *proxy = arg;

    control_run(&proxy->options);
    pthread_mutex_lock(&proxy->lock);
    proxy->over = true;
    pthread_cond_signal(&proxy->change);
    pthread_mutex_unlock(&proxy->lock);
    return NULL;
}

/* Waits for the first of ready and over. */
static bool wait_ready(struct demo_proxy *proxy)
{
    bool ready;

    pthread_mutex_lock(&proxy->lock);
    while (!proxy->ready && !proxy->over)
        pthread_cond_wait(&proxy->change, &proxy->lock);
    ready = proxy->ready;
    pthread_mutex_unlock(&proxy->lock);
    return ready;
}

static void release(struct demo_proxy *proxy)
{
    close(proxy->stop_fd);
    pthread_cond_destroy(&proxy->change);
    pthread_mutex_destroy(&proxy->lock);
    free(proxy->address);
    free(proxy->admin);
    free(proxy);
}

struct demo_proxy *demo_proxy_start(const char *config_path, int64_t tick_ns)
{
    struct demo_proxy *proxy = mem_zalloc(sizeof *proxy);
    int error;

    proxy->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (proxy->stop_fd < 0)
        BUG("eventfd: %s", strerror(errno));
    pthread_mutex_init(&proxy->lock, NULL);
    pthread_cond_init(&proxy->change, NULL);
    proxy->options = (struct control_options){.config_path = config_path,
                                              .quiet = true,
                                              .stop_fd = proxy->stop_fd,
                                              .tick_ns = tick_ns,
                                              .arg = proxy,
                                              .ready = on_ready};
    error = pthread_create(&proxy->thread, NULL, proxy_main, proxy);
    if (error) {
        log_error("demo: cannot start the proxy: %s", strerror(error));
        release(proxy);
        return NULL;
    }
    if (wait_ready(proxy))
        return proxy;
    pthread_join(proxy->thread, NULL);
    release(proxy);
    return NULL;
}

void demo_proxy_free(struct demo_proxy *proxy)
{
    if (!proxy)
        return;
    control_stop(proxy->stop_fd);
    pthread_join(proxy->thread, NULL);
    release(proxy);
}

const char *demo_proxy_address(const struct demo_proxy *proxy)
{
    return proxy->address;
}

const char *demo_proxy_admin(const struct demo_proxy *proxy)
{
    return proxy->admin;
}

bool demo_proxy_is_over(struct demo_proxy *proxy)
{
    bool over;

    pthread_mutex_lock(&proxy->lock);
    over = proxy->over;
    pthread_mutex_unlock(&proxy->lock);
    return over;
}
