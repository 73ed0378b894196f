/*
 * What the tests of net/ share: an event loop, a listening socket as the other side, and a look at what epoll
 * was asked.
 */
#ifndef TESTS_UNIT_NET_PAIR_H
#define TESTS_UNIT_NET_PAIR_H

#include "../unit.h"
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct event_base *base;
static int listener;
static struct config_address origin;

static inline void pair_open(int backlog)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;

    base = event_base_new();
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    if (backlog >= 0)
        ck_assert_int_eq(listen(listener, backlog), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    origin = (struct config_address){.addr.in = addr, .addr_len = sizeof addr};
}

static inline void pair_close(void)
{
    close(listener);
    event_base_free(base);
}

/* Runs the loop once; waits for an event. */
static inline void turn(void)
{
    event_base_loop(base, EVLOOP_ONCE);
}

/* Runs the loop for what is there already. */
static inline void turn_now(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

#endif
