#include "export/logspans.h"

#include "base/clk.h"
#include "base/mem.h"
#include "export/otlp.h"
#include "proxy/accesslog.h"

#include <stdlib.h>

void logspans_init(struct logspans *spans, struct logplace *place,
                   void (*export_line)(struct logplace *place, struct logread *read))
{
    *spans = (struct logspans){.place = place,
                               .export_line = export_line,
                               .hold = otlphold_new(),
                               .line = mem_alloc(ACCESSLOG_LINE_MAX)};
}

void logspans_fini(struct logspans *spans)
{
    otlphold_free(spans->hold);
    free(spans->line);
}

/* The weight of a route has fallen: what its canary did before is exported too. */
static void export_held(struct logspans *spans, const struct logread *fallen, int64_t now_ns)
{
    struct logread read;
    size_t len;

    while ((len = otlphold_take(spans->hold, fallen, now_ns, spans->line, ACCESSLOG_LINE_MAX)) > 0)
        if (logread_line((struct str){spans->line, len}, &read))
            spans->export_line(spans->place, &read);
}

static void take_line(struct logspans *spans, struct str line)
{
    struct logplace_counters *counters = &spans->place->counters;
    int64_t now_ns = clk_mono_ns();
    struct logread read;

    if (!logread_line(line, &read)) {
        logplace_count(&counters->lost, 1);
        return;
    }
    if (otlphold_note(spans->hold, &read, now_ns))
        export_held(spans, &read, now_ns);
    if (otlp_wants(&read) || otlphold_is_wanted(spans->hold, &read, now_ns))
        spans->export_line(spans->place, &read);
    else
        logplace_count(&counters->sampled, otlphold_keep(spans->hold, &read, line, now_ns));
}

void logspans_take(struct logspans *spans, struct str bytes)
{
    struct str line;

    while (str_split(&bytes, '\n', &line))
        if (line.len)
            take_line(spans, line);
}
