/* A request of the canary that ended well, for the tests of the access log; each changes what it is about. */
#ifndef TESTS_UNIT_SERVED_H
#define TESTS_UNIT_SERVED_H

#include "base/clk.h"
#include "proxy/accesslog.h"

static struct accesslog_record served(void)
{
    return (struct accesslog_record){
        .wall_ns = 1763704800123 * NS_PER_MS,
        .severity = STR("info"),
        .service = STR("svc"),
        .source = STR("penstock"),
        .platform = STR("fargate"),
        .route = STR("web"),
        .group = STR("new"),
        .side = STR("canary"),
        .target = STR("10.0.0.1:80"),
        .weight = 1250,
        .assignment = STR("random"),
        .outcome = STR("served"),
        .blame = STR("nobody"),
        .duration_ns = 1234567890,
        .method = STR("GET"),
        .authority = STR("a.example"),
        .path = STR("/x"),
        .http_version = STR("1.1"),
        .status = 200,
        .target_status = 200,
        .client_ip = STR("2001:db8::9"),
        .client_port = 5555,
        .attempts = 1,
    };
}

#endif
