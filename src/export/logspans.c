#include "export/logspans.h"

#include "base/clk.h"
#include "base/mem.h"
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

static void export_line(struct logspans *spans, struct str line)
{
    struct logread read;

    if (logread_line(line, &read))
        spans->export_line(spans->place, &read);
    else
        logplace_count(&spans->place->counters.lost, 1);
}

/* The weight of a route has fallen: what its canary did before is exported too. */
static void export_held(struct logspans *spans, const struct accesslog_mark *fallen, int64_t now_ns)
{
    size_t len;

    while ((len = otlphold_take(spans->hold, fallen, now_ns, spans->line, ACCESSLOG_LINE_MAX)) > 0)
        export_line(spans, (struct str){spans->line, len});
}

/* Whether its trace is recorded, or the request failed. */
static bool is_wanted(const struct accesslog_mark *mark)
{
    return mark->facts & ACCESSLOG_SPANS && mark->facts & (ACCESSLOG_SAMPLED | ACCESSLOG_FAILED);
}

static void take_line(struct logspans *spans, const struct accesslog_mark *mark, struct str line,
                      int64_t now_ns)
{
    if (otlphold_note(spans->hold, mark, now_ns))
        export_held(spans, mark, now_ns);
    if (is_wanted(mark) || otlphold_is_wanted(spans->hold, mark, now_ns))
        export_line(spans, line);
    else
        logplace_count(&spans->place->counters.sampled, otlphold_keep(spans->hold, mark, line, now_ns));
}

void logspans_take(struct logspans *spans, const struct logblock *block)
{
    int64_t now_ns = clk_mono_ns();
    const char *line = block->bytes;

    for (uint32_t i = 0; i < block->lines; i++) {
        const struct accesslog_mark *mark = &block->marks[i];

        take_line(spans, mark, (struct str){line, mark->len}, now_ns);
        line += mark->len;
    }
}
