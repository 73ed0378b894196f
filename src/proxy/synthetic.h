/*
 * Requests of monitors and load tests, as far as they say so themselves. They are served like any other, but
 * say nothing about what people get: no judge sees them.
 *
 * The word of a client is believed as the configuration has it. Who lies takes one request of his own from
 * the judge, which is what not sending it would have done; what is asked of the head is asked before the side
 * is drawn, so that both groups lose alike. Nothing of others is hidden.
 */
#ifndef PROXY_SYNTHETIC_H
#define PROXY_SYNTHETIC_H

#include "conf/config.h"
#include "proto/head.h"

/* `client` is the address of who has sent it; absent: not known. Pure; any thread. */
MUST_CHECK bool synthetic_is(const struct config_synthetic *conf, const struct head *head, struct str client);

#endif
