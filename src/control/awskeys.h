/*
 * The keys that requests to AWS are signed with, found as AWS' own programs find them: the environment
 * (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), then the container's endpoint
 * (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN or
 * _TOKEN_FILE), then the instance's metadata service by IMDSv2. What expires is asked for again five minutes
 * before. Keys are told to nobody.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS credential provider".
 * Thread: control.
 */
#ifndef CONTROL_AWSKEYS_H
#define CONTROL_AWSKEYS_H

#include "base/bug.h"
#include "decide/external.h"

#include <stdint.h>

struct courier;
struct awskeys;

/* `courier` outlives it. */
struct awskeys *awskeys_new(struct courier *courier);

struct awskeys_view {
    const char *id, *secret, *token; /* token NULL: none; valid until the next call */
};
enum awskeys_state {
    AWSKEYS_READY,
    AWSKEYS_ASKED, /* try again in a second */
    AWSKEYS_NONE,  /* `why` says why */
};
enum awskeys_state awskeys_get(struct awskeys *keys, int64_t wall_ns, struct awskeys_view *view_r,
                               char why[static EXTERNAL_WHY_MAX]);
/* NULL is allowed. */
void awskeys_free(struct awskeys *keys);

#endif
