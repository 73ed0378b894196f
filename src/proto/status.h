/* Status codes (status.def). Pure; any thread. */
#ifndef PROTO_STATUS_H
#define PROTO_STATUS_H

#include "base/str.h"

/* The usual reason phrase, a constant; empty for a code that is not registered. */
struct str status_reason(unsigned status);

#endif
