#include "proxy/accesslog.h"

#include "base/clk.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void accesslog_pipe_init(struct accesslog_pipe *pipe, int wake_fd)
{
    ring_init(&pipe->full, ACCESSLOG_CHUNKS);
    ring_init(&pipe->empty, ACCESSLOG_CHUNKS);
    pipe->wake_fd = wake_fd;
}

void accesslog_pipe_fini(struct accesslog_pipe *pipe)
{
    void *chunk;

    while ((chunk = ring_pop(&pipe->full)) || (chunk = ring_pop(&pipe->empty)))
        free(chunk);
    ring_fini(&pipe->full);
    ring_fini(&pipe->empty);
}

/* ---- one line ---- */

/* Names come with quotes and colon, values end with a comma, which the end of the object replaces: so the
 * parts between two values are few, and known when this is compiled. */
static void string_add(struct buf *line, struct str name, struct str value)
{
    if (value.len == 0)
        return;
    buf_str_add(line, name);
    buf_char(line, '"');
    buf_json(line, value);
    buf_lit(line, "\",");
}

static void word_add(struct buf *line, struct str name, struct str word)
{
    if (word.len == 0)
        return;
    buf_str_add(line, name);
    buf_char(line, '"');
    buf_str_add(line, word);
    buf_lit(line, "\",");
}

static void json_add(struct buf *line, struct str name, struct str value)
{
    if (value.len == 0)
        return;
    buf_str_add(line, name);
    buf_str_add(line, value);
    buf_char(line, ',');
}

static void object_end(struct buf *line)
{
    if (line->len && line->p[line->len - 1] == ',')
        line->len--;
    buf_char(line, '}');
}

static struct str cut_to(struct str s, size_t cut)
{
    return (struct str){s.p, s.len < cut ? s.len : cut};
}

static void message_add(struct buf *line, struct str name, const struct accesslog_record *record, size_t cut)
{
    buf_str_add(line, name);
    buf_char(line, '"');
    buf_json(line, cut_to(record->method, cut));
    buf_char(line, ' ');
    buf_json(line, cut_to(record->path, cut));
    buf_char(line, ' ');
    buf_u64(line, record->status);
    buf_lit(line, "\",");
}

static void url_add(struct buf *line, struct str name, const struct accesslog_record *record, size_t cut)
{
    buf_str_add(line, name);
    if (record->secure)
        buf_lit(line, "\"https://");
    else
        buf_lit(line, "\"http://");
    buf_json(line, cut_to(record->authority, cut));
    buf_json(line, cut_to(record->path, cut));
    buf_json(line, cut_to(record->query, cut));
    buf_lit(line, "\",");
}

static void time_add(struct buf *line, struct str name, int64_t wall_ns)
{
    char text[CLK_TEXT_LEN];

    clk_text(wall_ns, text);
    word_add(line, name, (struct str){text, sizeof text});
}

static void optional_add(struct buf *line, struct str name, uint64_t value)
{
    if (value == 0)
        return;
    buf_str_add(line, name);
    buf_u64(line, value);
    buf_char(line, ',');
}

struct str accesslog_format(struct buf *line, const struct accesslog_record *record, size_t cut)
{
#define ADD_TIME(name, member)     time_add(line, STR(name), record->member)
#define ADD_WORD(name, member)     word_add(line, STR(name), record->member)
#define ADD_LABEL(name, member)    string_add(line, STR(name), record->member)
#define ADD_CLIENT(name, member)   string_add(line, STR(name), cut_to(record->member, cut))
#define ADD_MESSAGE(name, member)  message_add(line, STR(name), record, cut)
#define ADD_URL(name, member)      url_add(line, STR(name), record, cut)
#define ADD_OPTIONAL(name, member) optional_add(line, STR(name), record->member)
#define ADD_JSON(name, member)     json_add(line, STR(name), record->member)
#define ADD_NUMBER(name, member)   (buf_lit(line, name), buf_u64(line, record->member), buf_char(line, ','))
#define ADD_PERCENT(name, member)                                                                            \
    (buf_lit(line, name), buf_fixed(line, record->member, 2), buf_char(line, ','))
#define ADD_SECONDS(name, member)                                                                            \
    (buf_lit(line, name), buf_fixed(line, record->member / 1000, 6), buf_char(line, ','))

#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text) ADD_##kind("\"" name "\":", member);
#define LOG_PART(id, ecs, otel, ltsv, text)
#define LOG_GROUP(name) buf_lit(line, "\"" name "\":{");
#define LOG_END         object_end(line), buf_char(line, ',');
#define LOG_LABELS                                                                                           \
    from = line->len;                                                                                        \
    buf_str_add(line, record->labels);                                                                       \
    if (!record->labels.len) {
#define LOG_LABELS_END                                                                                       \
    }                                                                                                        \
    till = line->len;

    size_t from, till;

    buf_char(line, '{');
#include "proxy/logfield.def"
    object_end(line);
    buf_char(line, '\n');
    return line->full ? STR_NULL : (struct str){line->p + from, till - from};
}

/* ---- labels ---- */

static struct accesslog_labels *labels_at(const struct accesslog *log, const struct accesslog_key *key)
{
    uintptr_t hash = (uintptr_t)key->target / sizeof(void *) + key->ending * UINT32_C(2654435761);

    return &log->labels[(hash ^ hash >> 6 ^ hash >> 16) % ACCESSLOG_LABELS];
}

struct str accesslog_labels(const struct accesslog *log, const struct accesslog_key *key)
{
    const struct accesslog_labels *labels = labels_at(log, key);
    const struct accesslog_key *kept = &labels->key;

    if (!key->version || kept->version != key->version || kept->target != key->target ||
        kept->ending != key->ending || kept->group != key->group || kept->route != key->route)
        return STR_NULL;
    return (struct str){labels->bytes, labels->len};
}

static void keep_labels(const struct accesslog *log, const struct accesslog_key *key, struct str text,
                        const struct accesslog_mark *mark)
{
    struct accesslog_labels *labels = labels_at(log, key);

    if (text.len > sizeof labels->bytes)
        return;
    labels->key = *key;
    labels->mark = *mark;
    labels->len = text.len;
    memcpy(labels->bytes, text.p, text.len);
}

/* ---- marks ---- */

/* FNV-1a. */
uint64_t accesslog_route(struct str name)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    return hash | 1;
}

/* What follows from the labels. */
static struct accesslog_mark labels_mark(const struct accesslog_record *record)
{
    uint32_t canary = str_eq(record->side, STR("canary")) ? ACCESSLOG_CANARY : 0;
    uint32_t failed = str_eq(record->severity, STR("error")) ? ACCESSLOG_FAILED : 0;

    return (struct accesslog_mark){
        .route = accesslog_route(record->route), .weight = record->weight, .facts = canary | failed};
}

static uint32_t spans_facts(const struct accesslog_record *record)
{
    if (record->spans.len == 0)
        return 0;
    return record->sampled ? ACCESSLOG_SPANS | ACCESSLOG_SAMPLED : ACCESSLOG_SPANS;
}

/* ---- the worker's end ---- */

void accesslog_init(struct accesslog *log, struct accesslog_pipe *pipe)
{
    *log = (struct accesslog){.pipe = pipe, .labels = mem_zalloc(ACCESSLOG_LABELS * sizeof *log->labels)};
}

void accesslog_fini(struct accesslog *log)
{
    free(log->chunk);
    free(log->labels);
    log->chunk = NULL;
    log->labels = NULL;
}

static void hand_over(struct accesslog *log)
{
    uint64_t one = 1;

    if (!ring_push(&log->pipe->full, log->chunk))
        BUG("more chunks than the ring holds");
    log->chunk = NULL;
    if (write(log->pipe->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is at its maximum: the exporter has been woken already */
}

/* An empty chunk: one that came back, or a new one while there are few; NULL when the exporter has them all.
 */
static struct accesslog_chunk *take_chunk(struct accesslog *log)
{
    struct accesslog_chunk *chunk = ring_pop(&log->pipe->empty);

    if (!chunk && log->chunks < ACCESSLOG_CHUNKS) {
        chunk = mem_alloc(sizeof *chunk);
        log->chunks++;
    }
    if (chunk) {
        chunk->len = 0;
        chunk->lines = 0;
    }
    return chunk;
}

static bool is_full(const struct accesslog_chunk *chunk)
{
    return sizeof chunk->bytes - chunk->len < ACCESSLOG_LINE_MAX || chunk->lines == ACCESSLOG_CHUNK_LINES;
}

bool accesslog_add(struct accesslog *log, const struct accesslog_record *record,
                   const struct accesslog_key *key, int64_t now_ns)
{
    struct accesslog_mark mark;
    struct str labels;
    struct buf line;

    if (log->chunk && is_full(log->chunk))
        hand_over(log);
    if (!log->chunk) {
        log->chunk = take_chunk(log);
        log->since_ns = now_ns;
    }
    if (!log->chunk)
        return false;
    buf_init(&line, log->chunk->bytes + log->chunk->len, ACCESSLOG_LINE_MAX);
    labels = accesslog_format(&line, record, ACCESSLOG_LINE_MAX);
    if (line.full) {
        buf_init(&line, line.p, line.cap);
        labels = accesslog_format(&line, record, ACCESSLOG_CUT);
    }
    if (line.full)
        return false;
    mark = record->labels.len ? labels_at(log, key)->mark : labels_mark(record);
    if (key->version && !record->labels.len)
        keep_labels(log, key, labels, &mark);
    mark.facts |= spans_facts(record);
    mark.len = (uint32_t)line.len;
    log->chunk->marks[log->chunk->lines++] = mark;
    log->chunk->len += line.len;
    return true;
}

void accesslog_flush(struct accesslog *log, int64_t now_ns, bool all)
{
    if (log->chunk && log->chunk->lines && (all || now_ns - log->since_ns >= NS_PER_S))
        hand_over(log);
}
