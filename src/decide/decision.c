#include "decide/decision.h"

#include "base/clk.h"
#include "base/unit.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void decision_say(struct decision *decision, const char *fmt, ...)
{
    size_t len = strlen(decision->text);
    va_list args;

    va_start(args, fmt);
    vsnprintf(decision->text + len, sizeof(decision->text) - len, fmt, args);
    va_end(args);
}

const char *decision_count(uint64_t n, char out[static DECISION_NUMBER_LEN])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *decision_share(double share, char out[static DECISION_NUMBER_LEN])
{
    double percent = share * 100;
    int decimals = 0;

    if (percent > 0 && percent < 99)
        decimals = (int)fmin(fmax(1 - floor(log10(percent)), 0), 6);
    snprintf(out, DECISION_NUMBER_LEN, "%.*f %%", decimals, percent);
    return out;
}

const char *decision_time(int64_t ns, char out[static DECISION_NUMBER_LEN])
{
    char text[UNIT_TEXT_LEN];

    if (ns == ROLLOUT_NEVER)
        snprintf(out, DECISION_NUMBER_LEN, "never");
    else if (ns < 0)
        snprintf(out, DECISION_NUMBER_LEN, "unknown");
    else if (ns == 0)
        snprintf(out, DECISION_NUMBER_LEN, "0s");
    else
        snprintf(out, DECISION_NUMBER_LEN, "%s",
                 unit_duration_text((ns + NS_PER_S - 1) / NS_PER_S * NS_PER_S, text));
    return out;
}
