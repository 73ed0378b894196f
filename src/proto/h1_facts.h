/*
 * What follows from the fields of an HTTP/1 head: the authority, how the content is framed, whether the
 * connection lives on, which fields are of this hop only. Where the RFC leaves a choice, the strict one is
 * taken. Pure; any thread.
 */
#ifndef PROTO_H1_FACTS_H
#define PROTO_H1_FACTS_H

#include "proto/h1_error.h"
#include "proto/head.h"

/* Completes a head whose start line and fields are filled in. Source: RFC 9112 sections 3.2, 6, 9; RFC 9110
 * sections 7.2, 7.6.1, 7.8, 10.1; RFC 6455 section 4.2.1. */
MUST_CHECK enum h1_error h1_request_facts(struct head *head);
/* The same for a response to a request with this method. */
MUST_CHECK enum h1_error h1_response_facts(struct head *head, enum method method);

/* Parts of these that HTTP/2 shares: the content length, once its framing is known to be by length (a
 * response may repeat itself in equal lines), and what a client expects. */
MUST_CHECK enum h1_error h1_facts_length(struct head *head, bool may_repeat);
MUST_CHECK enum h1_error h1_facts_expect(struct head *head);

#endif
