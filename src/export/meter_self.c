/* The rows of the table that tell of the proxy itself, and what the system says of this process. The names
 * that begin with process_ are those of Prometheus's client libraries. */
#include "export/meter_rows.h"

#include "base/clk.h"
#include "net/tls_server.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHARD(member) offsetof(struct shard, member)
#define SECONDS       (1.0 / NS_PER_S)

/* ---- the process
 * ----------------------------------------------------------------------------------------- */

static double entries_of(const char *path)
{
    DIR *folder = opendir(path);
    double n = 0;

    if (!folder)
        return -1;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

/* Pages of address space and pages in RAM are the first two numbers of statm. */
static void read_memory(struct meter_process *process_r)
{
    char text[128], *end;
    double page = (double)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    bool got = file && fgets(text, sizeof text, file);

    if (file)
        fclose(file);
    process_r->virtual_bytes = process_r->resident_bytes = -1;
    if (!got)
        return;
    process_r->virtual_bytes = (double)strtoul(text, &end, 10) * page;
    process_r->resident_bytes = (double)strtoul(end, NULL, 10) * page;
}

void meter_process_read(struct meter_process *process_r)
{
    struct rusage usage;
    struct rlimit limit;

    *process_r = (struct meter_process){.cpu_s = -1, .max_fds = -1};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        process_r->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process_r->max_fds = (double)limit.rlim_cur;
    process_r->open_fds = entries_of("/proc/self/fd") - 1; /* not the folder that was just read */
    process_r->threads = entries_of("/proc/self/task");
    read_memory(process_r);
}

static bool tell(double value, double *value_r)
{
    *value_r = value;
    return value >= 0;
}

static bool cpu(const struct meter_place *place, double *value_r)
{
    return place->view->process && tell(place->view->process->cpu_s, value_r);
}

static bool resident(const struct meter_place *place, double *value_r)
{
    return place->view->process && tell(place->view->process->resident_bytes, value_r);
}

static bool virtual_memory(const struct meter_place *place, double *value_r)
{
    return place->view->process && tell(place->view->process->virtual_bytes, value_r);
}

static bool open_fds(const struct meter_place *place, double *value_r)
{
    return place->view->process && tell(place->view->process->open_fds, value_r);
}

static bool max_fds(const struct meter_place *place, double *value_r)
{
    return place->view->process && tell(place->view->process->max_fds, value_r);
}

static bool threads(const struct meter_place *place, double *value_r)
{
    return place->view->process && tell(place->view->process->threads, value_r);
}

static bool started(const struct meter_place *place, double *value_r)
{
    *value_r = (double)(place->view->started_wall_ns / NS_PER_MS) / 1000;
    return true;
}

/* ---- penstock
 * -------------------------------------------------------------------------------------------- */

static void label_version(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)variant;
    meter_label(labels, "version", place->view->version);
}

static bool one(const struct meter_place *place, double *value_r)
{
    (void)place;
    *value_r = 1;
    return true;
}

static bool ready(const struct meter_place *place, double *value_r)
{
    *value_r = place->view->ready;
    return true;
}

static bool memory(const struct meter_place *place, double *value_r)
{
    *value_r = (double)place->view->memory;
    return true;
}

static bool memory_limit(const struct meter_place *place, double *value_r)
{
    *value_r = (double)place->view->memory_limit;
    return true;
}

static void label_outcome(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "outcome", outcome_row((enum outcome)variant)->name);
}

static bool never(size_t variant)
{
    (void)variant;
    return false;
}

static void label_handshake(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "result", tls_end_name((enum tls_end)variant));
}

/* Those that succeed. */
static bool handshake_is_usual(size_t variant)
{
    return variant == TLS_END_FULL || variant == TLS_END_RESUMED;
}

static void label_http2(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "reason", h2_error_name((enum h2_error)variant));
}

/* Floods that were none yet are told, so that the first is an increase. */
static bool is_flood(size_t variant)
{
    return variant != H2_OK && h2_error_code((enum h2_error)variant) == H2_CODE_ENHANCE_YOUR_CALM;
}

static bool expiry(const struct meter_place *place, double *value_r)
{
    *value_r = (double)tls_server_expiry_s(place->listener->tls.server, place->certificate);
    return true;
}

static bool refused(const struct meter_place *place, double *value_r)
{
    *value_r = tls_server_refused(place->listener->tls.server);
    return true;
}

/* ---- the access log and the store
 * ------------------------------------------------------------------------ */

enum { LOST_AT_WORKER, LOST_AT_SINK, LOST_PLACES };

static bool log_dropped(const struct meter_place *place, double *value_r)
{
    if (place->variant == LOST_AT_WORKER)
        return tell((double)meter_sum(place, METER_PROCESS, SHARD(log_dropped)), value_r);
    *value_r = 0;
    for (size_t i = 0; i < place->view->logs_len; i++)
        *value_r += (double)(place->view->logs[i].lost + place->view->logs[i].crowded);
    return place->view->logs_len > 0;
}

static void label_lost(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "where", variant == LOST_AT_WORKER ? "worker" : "sink");
}

static bool store_failing(const struct meter_place *place, double *value_r)
{
    return place->view->store && tell(place->view->store_failing, value_r);
}

static bool store_errors(const struct meter_place *place, double *value_r)
{
    return place->view->store && tell((double)place->view->store_errors, value_r);
}

static bool statsd_sent(const struct meter_place *place, double *value_r)
{
    return place->view->dogstatsd && tell((double)place->view->dogstatsd->messages, value_r);
}

static bool statsd_lost(const struct meter_place *place, double *value_r)
{
    return place->view->dogstatsd && tell((double)place->view->dogstatsd->lost, value_r);
}

static bool kernel_connections(const struct meter_place *place, double *value_r)
{
    (void)place;
    return tell((double)tls_server_kernel_count(), value_r);
}

/* ---- the rows
 * -------------------------------------------------------------------------------------------- */

const struct meter meter_self_rows[] = {
    {"penstock_unrouted_requests", "Requests that ended before their route was known.", METER_COUNTER,
     METER_PROCESS, .cell = SHARD(unrouted), .variants = OUTCOMES, .label = label_outcome, .always = never},
    {"penstock_build_info", "Always 1; the version is the label.", METER_GAUGE, METER_PROCESS, .read = one,
     .label = label_version},
    {"penstock_ready", "1 when /readyz answers 200.", METER_GAUGE, METER_PROCESS, .read = ready},
    {"penstock_connections", "Open client connections.", METER_GAUGE, METER_PROCESS,
     .cell = SHARD(connections)},
    {"penstock_connections_accepted", "Client connections accepted.", METER_COUNTER, METER_PROCESS,
     .cell = SHARD(accepted)},
    {"penstock_connections_refused", "Client connections closed at once, over a limit or out of descriptors.",
     METER_COUNTER, METER_PROCESS, .cell = SHARD(refused)},
    {"penstock_connections_crowding", "Client connections closed at once, over the cap for each address.",
     METER_COUNTER, METER_PROCESS, .cell = SHARD(crowding)},
    {"penstock_connections_shed", "Idle client connections closed to make room for new ones.", METER_COUNTER,
     METER_PROCESS, .cell = SHARD(shed)},
    {"penstock_connections_starved",
     "Client connections answered 503 and closed before their request was read, since memory was used up.",
     METER_COUNTER, METER_PROCESS, .cell = SHARD(starved)},
    {"penstock_connections_unannounced",
     "Client connections closed because their PROXY header was wrong or missing.", METER_COUNTER,
     METER_PROCESS, .cell = SHARD(unannounced)},
    {"penstock_bulk_bytes", "Bytes of long bodies that passed within the kernel (splice).", METER_COUNTER,
     METER_PROCESS, .cell = SHARD(bulk_bytes)},
    {"penstock_memory_bytes", "Memory that connections, requests and their buffers take.", METER_GAUGE,
     METER_PROCESS, .read = memory},
    {"penstock_memory_limit_bytes", "What they may take (limits.memory).", METER_GAUGE, METER_PROCESS,
     .read = memory_limit},
    {"penstock_worker_busy_seconds", "Time that the worker spent on work.", METER_COUNTER, METER_WORKER,
     .cell = SHARD(busy_ns), .unit = SECONDS},
    {"penstock_worker_turns", "Turns of the worker's event loop.", METER_COUNTER, METER_WORKER,
     .cell = SHARD(turns)},
    {"penstock_worker_slowest_turn_seconds",
     "The longest turn of the worker's event loop: how long others have waited.", METER_GAUGE, METER_WORKER,
     .cell = SHARD(slowest_ns), .unit = SECONDS},
    {"penstock_tls_handshakes", "TLS handshakes with clients that have ended, by how.", METER_COUNTER,
     METER_PROCESS, .cell = SHARD(handshakes), .variants = TLS_ENDS, .label = label_handshake,
     .always = handshake_is_usual},
    {"penstock_tls_kernel_connections",
     "TLS connections of clients whose answers the kernel has begun to encrypt (kTLS).", METER_COUNTER,
     METER_PROCESS, .read = kernel_connections},
    {"penstock_http2_ended", "HTTP/2 connections of clients that were ended by us, by why.", METER_COUNTER,
     METER_PROCESS, .cell = SHARD(http2_ends), .variants = H2_ERROR_LEN, .label = label_http2,
     .always = is_flood},
    {"penstock_tls_certificate_expiry_timestamp_seconds", "When a certificate that is in use expires.",
     METER_GAUGE, METER_CERTIFICATE, .read = expiry},
    {"penstock_tls_certificates_refused",
     "1 while the files hold certificates that were refused, and older ones are in use.", METER_GAUGE,
     METER_LISTENER, .read = refused},
    {"penstock_log_lines", "Access-log lines made.", METER_COUNTER, METER_PROCESS, .cell = SHARD(log_lines)},
    {"penstock_log_dropped",
     "Access-log lines lost: at a worker when the exporter is behind, or at a sink that fails.",
     METER_COUNTER, METER_PROCESS, .read = log_dropped, .variants = LOST_PLACES, .label = label_lost},
#define LOG_COUNTER(id, name, kind, text)                                                                    \
    {name, text, METER_##kind, METER_LOG, .cell = offsetof(struct logsink_place, id)},
#include "export/logcounter.def"
#undef LOG_COUNTER
    {"penstock_log_queued_bytes", "Bytes of lines that wait for a sink.", METER_GAUGE, METER_LOG,
     .cell = offsetof(struct logsink_place, queued_bytes)},
    {"penstock_store_failing", "1 when nothing can be saved: no rollout moves forward.", METER_GAUGE,
     METER_PROCESS, .read = store_failing},
    {"penstock_store_errors", "Failed writes and reads of the store.", METER_COUNTER, METER_PROCESS,
     .read = store_errors},
    {"penstock_notices_sent", "Notices of decisions that their receiver has taken.", METER_COUNTER,
     METER_NOTICE, .cell = offsetof(struct meter_notice, sent)},
    {"penstock_notices_retried", "Attempts to send a notice again.", METER_COUNTER, METER_NOTICE,
     .cell = offsetof(struct meter_notice, retried)},
    {"penstock_notices_dropped", "Notices that their receiver has refused, or not taken in time.",
     METER_COUNTER, METER_NOTICE, .cell = offsetof(struct meter_notice, dropped)},
    {"penstock_notices_waiting", "Notices that have not been taken yet.", METER_GAUGE, METER_NOTICE,
     .cell = offsetof(struct meter_notice, waiting)},
    {"penstock_metric_queries_answered", "Queries of external metrics that were answered with a number.",
     METER_COUNTER, METER_SOURCE, .cell = offsetof(struct meter_source, values)},
    {"penstock_metric_queries_empty", "Queries of external metrics whose answer had no number.",
     METER_COUNTER, METER_SOURCE, .cell = offsetof(struct meter_source, empty)},
    {"penstock_metric_queries_failed", "Queries of external metrics that got no answer, or an error.",
     METER_COUNTER, METER_SOURCE, .cell = offsetof(struct meter_source, failed)},
    {"penstock_dogstatsd_datagrams", "Datagrams of metrics sent to the agent.", METER_COUNTER, METER_PROCESS,
     .read = statsd_sent},
    {"penstock_dogstatsd_lost", "Datagrams of metrics that nobody took.", METER_COUNTER, METER_PROCESS,
     .read = statsd_lost},
    {"process_start_time_seconds", "When this process started, since 1970.", METER_GAUGE, METER_PROCESS,
     .read = started},
    {"process_cpu_seconds", "Processor time of this process, user and system.", METER_COUNTER, METER_PROCESS,
     .read = cpu},
    {"process_resident_memory_bytes", "Memory of this process that is in RAM.", METER_GAUGE, METER_PROCESS,
     .read = resident},
    {"process_virtual_memory_bytes", "Address space of this process.", METER_GAUGE, METER_PROCESS,
     .read = virtual_memory},
    {"process_open_fds", "Open file descriptors.", METER_GAUGE, METER_PROCESS, .read = open_fds},
    {"process_max_fds", "How many file descriptors may be open.", METER_GAUGE, METER_PROCESS,
     .read = max_fds},
    {"process_threads", "Threads of this process.", METER_GAUGE, METER_PROCESS, .read = threads},
};
const size_t meter_self_rows_len = ARRAY_LEN(meter_self_rows);
