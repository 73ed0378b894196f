#include "proto/traceformat.h"

#include "proto/field.h"

#define TEXT(literal)                                                                                        \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }
static const struct str names[TRACEFORMAT_NAMES] = {
    [TRACEFORMAT_DD_TRACE] = TEXT("x-datadog-trace-id"),
    [TRACEFORMAT_DD_PARENT] = TEXT("x-datadog-parent-id"),
    [TRACEFORMAT_DD_PRIORITY] = TEXT("x-datadog-sampling-priority"),
    [TRACEFORMAT_DD_ORIGIN] = TEXT("x-datadog-origin"),
    [TRACEFORMAT_DD_TAGS] = TEXT("x-datadog-tags"),
    [TRACEFORMAT_B3_TRACE] = TEXT("X-B3-TraceId"),
    [TRACEFORMAT_B3_SPAN] = TEXT("X-B3-SpanId"),
    [TRACEFORMAT_B3_PARENT] = TEXT("X-B3-ParentSpanId"),
    [TRACEFORMAT_B3_SAMPLED] = TEXT("X-B3-Sampled"),
    [TRACEFORMAT_B3_FLAGS] = TEXT("X-B3-Flags"),
};

struct str traceformat_name(enum traceformat_name name)
{
    return names[name];
}

enum traceformat_name traceformat_name_from(struct str name)
{
    if (name.len == 0 || ascii_lower(name.p[0]) != 'x')
        return TRACEFORMAT_NAMES;
    for (unsigned i = 0; i < TRACEFORMAT_NAMES; i++)
        if (field_name_alike(name, names[i]))
            return (enum traceformat_name)i;
    return TRACEFORMAT_NAMES;
}

bool traceformat_owns(struct str name)
{
    static const enum field_id known[] = {FIELD_TRACEPARENT, FIELD_TRACESTATE, FIELD_X_AMZN_TRACE_ID,
                                          FIELD_B3};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (field_name_alike(name, field_name(known[i])))
            return true;
    return traceformat_name_from(name) != TRACEFORMAT_NAMES;
}
