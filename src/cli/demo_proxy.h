/*
 * The proxy of the demo: control_run in a thread of its own, exactly as `penstock serve` runs it.
 */
#ifndef CLI_DEMO_PROXY_H
#define CLI_DEMO_PROXY_H

#include "base/bug.h"

#include <stdbool.h>
#include <stdint.h>

struct demo_proxy;

/* Starts with a configuration and waits until it serves. NULL when it could not start; the reason was logged.
 */
MUST_CHECK struct demo_proxy *demo_proxy_start(const char *config_path, int64_t tick_ns);
/* Lets open requests end, and ends. NULL is allowed. */
void demo_proxy_free(struct demo_proxy *proxy);

/* "127.0.0.1:41235": where it serves, and its admin API. */
const char *demo_proxy_address(const struct demo_proxy *proxy);
const char *demo_proxy_admin(const struct demo_proxy *proxy);
/* It ended by itself; the reason was logged. Thread: the one that started it. */
bool demo_proxy_is_over(struct demo_proxy *proxy);

#endif
