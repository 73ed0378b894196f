/*
 * What the fields of an HTTP/2 message say together: the facts of struct head, and what only we check before
 * a message goes on in another version of HTTP (RFC 9113 sections 8.3, 10.3). Private to proto/h2. Pure; any
 * thread.
 */
#ifndef PROTO_H2_FACTS_H
#define PROTO_H2_FACTS_H

#include "proto/h1_limits.h"
#include "proto/h2_section.h"

/* The facts of a request; `ended`: nothing follows its head. H1_OK or why it must be refused; what is set
 * then is valid. */
MUST_CHECK enum h1_error h2_request_facts(struct h2_block *block, const struct h1_limits *limits, bool ended);
/* The same of a response to a request with this method. */
MUST_CHECK enum h1_error h2_response_facts(struct h2_block *block, enum method method, bool ended);
/* Leaves of a trailer section what may be sent on (RFC 9110 section 6.5.1); of a request nothing either whose
 * name a server could take for another. */
void h2_trailer_facts(struct head *trailers, bool of_request);

#endif
