#include "export/logsink.h"

#include "../unit.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static char folder[] = "/tmp/penstock-logsink-XXXXXX";
static char *path;
static struct accesslog_pipe rings;
static struct logsink *sink;

static void set_up(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path = mem_printf("%s/access.jsonl", folder);
    ring_init(&rings.full, ACCESSLOG_CHUNKS);
    ring_init(&rings.empty, ACCESSLOG_CHUNKS);
    for (int i = 0; i < 4; i++)
        ck_assert(ring_push(&rings.empty, mem_zalloc(sizeof(struct accesslog_chunk))));
    sink = NULL;
}

static void tear_down(void)
{
    void *chunk;

    logsink_stop(sink);
    while ((chunk = ring_pop(&rings.empty)) != NULL)
        free(chunk);
    ring_fini(&rings.full);
    ring_fini(&rings.empty);
    unlink(path);
    rmdir(folder);
    free(path);
}

static void start(const char *file, bool with_stdout)
{
    struct config_log logs[2] = {{.kind = CONFIG_LOG_FILE,
                                  .path = mem_strdup(file),
                                  .max_size = UINT64_C(1) << 30,
                                  .max_total = UINT64_C(2) << 30},
                                 {.kind = CONFIG_LOG_STDOUT}};
    struct accesslog_pipe *pipes[1] = {&rings};
    char why[128];

    for (size_t i = 0; i < 2; i++) {
        logs[i].queue = 4 << 20;
        logs[i].sample.share = CONFIG_WEIGHT_ONE;
    }
    sink = logsink_open(logs, with_stdout ? 2 : 1, why, sizeof why);
    ck_assert_ptr_nonnull(sink);
    logsink_start(sink, pipes, 1);
    free(logs[0].path);
}

/* As a worker does: waits for an empty chunk, fills it with `lines` lines, pushes it and pokes the exporter.
 */
static void log_lines(uint32_t first, uint32_t lines)
{
    struct accesslog_chunk *chunk;
    struct buf buf;

    while ((chunk = ring_pop(&rings.empty)) == NULL)
        poll(NULL, 0, 1);
    ck_assert_uint_eq(chunk->len, 0);
    ck_assert_uint_eq(chunk->lines, 0);
    buf_init(&buf, chunk->bytes, sizeof chunk->bytes);
    for (uint32_t i = 0; i < lines; i++)
        buf_printf(&buf, "{\"line\":%u,\"pad\":\"%080d\"}\n", first + i, 0);
    ck_assert(!buf.full);
    chunk->len = buf.len;
    chunk->lines = lines;
    ck_assert(ring_push(&rings.full, chunk));
    ck_assert_int_eq(eventfd_write(logsink_wake_fd(sink), 1), 0);
}

/* How many whole lines of ours the file has; fails on any other line. */
static uint32_t lines_of(const char *file)
{
    FILE *in = fopen(file, "r");
    char line[256];
    uint32_t lines = 0;

    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in)) {
        ck_assert(str_starts_with(str_from(line), STR("{\"line\":")));
        ck_assert(str_ends_with(str_from(line), STR("\"}\n")));
        lines++;
    }
    fclose(in);
    return lines;
}

static void wait_for_lines(uint64_t lines)
{
    while (logsink_stats(sink).lines + logsink_stats(sink).lost < lines)
        poll(NULL, 0, 1);
}

START_TEST(every_line_reaches_the_file_also_the_last_ones)
{
    start(path, false);
    for (uint32_t i = 0; i < 50; i++)
        log_lines(i * 100, 100);
    logsink_stop(sink);
    sink = NULL;
    ck_assert_uint_eq(lines_of(path), 5000);
}
END_TEST

START_TEST(a_moved_file_is_reopened)
{
    char *moved = mem_printf("%s.1", path);

    start(path, false);
    log_lines(0, 10);
    wait_for_lines(10);
    ck_assert_int_eq(rename(path, moved), 0);
    log_lines(10, 10);
    wait_for_lines(20);
    logsink_reopen(sink);
    while (access(path, F_OK))
        poll(NULL, 0, 1);
    log_lines(20, 10);
    wait_for_lines(30);
    ck_assert_uint_eq(lines_of(moved), 20);
    ck_assert_uint_eq(lines_of(path), 10);
    unlink(moved);
    free(moved);
}
END_TEST

START_TEST(a_full_disk_loses_lines_and_counts_them)
{
    struct logsink_stats stats;

    start("/dev/full", false);
    log_lines(0, 10);
    log_lines(10, 10);
    wait_for_lines(20);
    while (logsink_stats(sink).errors == 0) /* they are counted behind the lines */
        poll(NULL, 0, 1);
    stats = logsink_stats(sink);
    ck_assert_uint_eq(stats.lost, 20);
    ck_assert_uint_eq(stats.lines, 0);
}
END_TEST

START_TEST(a_reader_that_stands_still_holds_up_nobody_and_gets_whole_lines_later)
{
    char bytes[4096], line[256];
    char *copy = mem_printf("%s/stdout", folder);
    struct logsink_stats stats;
    uint32_t whole = 0;
    int ends[2];
    FILE *out;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDOUT_FILENO), 0);
    ck_assert_int_ge(fcntl(ends[0], F_SETPIPE_SZ, 65536), 65536);
    close(ends[1]);
    start(path, true);
    for (uint32_t i = 0; i < 10; i++)
        log_lines(i * 500, 500);
    wait_for_lines(10000);
    ck_assert_uint_eq(lines_of(path), 5000);
    stats = logsink_stats(sink);
    ck_assert_uint_gt(stats.lost, 0);
    /* The reader comes back: what it finds are whole lines, and as many as were counted. */
    out = fopen(copy, "w");
    ck_assert_ptr_nonnull(out);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
        ck_assert_uint_eq(fwrite(bytes, 1, (size_t)n, out), (size_t)n);
    log_lines(5000, 3);
    wait_for_lines(10006);
    for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
        ck_assert_uint_eq(fwrite(bytes, 1, (size_t)n, out), (size_t)n);
    fclose(out);
    out = fopen(copy, "r");
    while (fgets(line, sizeof line, out)) {
        ck_assert(str_starts_with(str_from(line), STR("{\"line\":")));
        ck_assert(str_ends_with(str_from(line), STR("\"}\n")));
        whole++;
    }
    fclose(out);
    ck_assert_uint_eq(whole + 5003, logsink_stats(sink).lines);
    unlink(copy);
    free(copy);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_named)
{
    struct config_log log = {.kind = CONFIG_LOG_FILE, .path = mem_printf("%s/no/such/file", folder)};
    char why[256];

    ck_assert_ptr_null(logsink_open(&log, 1, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "/no/such/file: No such file or directory"));
    free(log.path);
}
END_TEST

/* The file gets lines of requests alone, as combined would write them, and the pipe metrics alone, as they
 * are. */
START_TEST(metrics_go_to_the_sinks_that_take_them)
{
    struct config_log logs[2] = {{.kind = CONFIG_LOG_FILE,
                                  .path = path,
                                  .max_size = UINT64_C(1) << 30,
                                  .max_total = UINT64_C(2) << 30},
                                 {.kind = CONFIG_LOG_FILE,
                                  .path = mem_printf("%s.emf", path),
                                  .content = CONFIG_LOG_EMF,
                                  .format = CONFIG_LOG_COMBINED,
                                  .max_size = UINT64_C(1) << 30,
                                  .max_total = UINT64_C(2) << 30}};
    struct accesslog_pipe *pipes[1] = {&rings};
    char why[128], line[64];
    FILE *in;

    for (size_t i = 0; i < 2; i++) {
        logs[i].queue = 4 << 20;
        logs[i].sample.share = CONFIG_WEIGHT_ONE;
    }
    sink = logsink_open(logs, 2, why, sizeof why);
    ck_assert_ptr_nonnull(sink);
    ck_assert(logsink_takes_requests(sink));
    logsink_start(sink, pipes, 1);
    log_lines(0, 100);
    ck_assert(logsink_tell(sink, STR("{\"one\":1}\n{\"two\":2}\n")));
    logsink_stop(sink);
    sink = NULL;
    ck_assert_uint_eq(lines_of(path), 100);
    in = fopen(logs[1].path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_str_eq(fgets(line, sizeof line, in), "{\"one\":1}\n");
    ck_assert_str_eq(fgets(line, sizeof line, in), "{\"two\":2}\n");
    ck_assert_ptr_null(fgets(line, sizeof line, in));
    fclose(in);
    unlink(logs[1].path);
    free(logs[1].path);
}
END_TEST

START_TEST(each_sink_has_a_name_of_its_own)
{
    struct config_log log = {.kind = CONFIG_LOG_SYSLOG, .queue = 4 << 20}, logs[3];
    struct accesslog_pipe *pipes[1] = {&rings};
    char why[128];

    log.sample.share = CONFIG_WEIGHT_ONE;
    log.syslog.address = (char *)(uintptr_t) "unix:/nowhere";
    log.syslog.app = (char *)(uintptr_t) "penstock";
    for (size_t i = 0; i < ARRAY_LEN(logs); i++)
        logs[i] = log;
    sink = logsink_open(logs, ARRAY_LEN(logs), why, sizeof why);
    ck_assert_ptr_nonnull(sink);
    logsink_start(sink, pipes, 1);
    ck_assert_str_eq(logsink_place(sink, 0).name, "syslog:unix:/nowhere");
    ck_assert_str_eq(logsink_place(sink, 1).name, "syslog:unix:/nowhere#2");
    ck_assert_str_eq(logsink_place(sink, 2).name, "syslog:unix:/nowhere#3");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logsink");
    TCase *tcase = tcase_create("logsink");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_line_reaches_the_file_also_the_last_ones);
    tcase_add_test(tcase, a_moved_file_is_reopened);
    tcase_add_test(tcase, a_full_disk_loses_lines_and_counts_them);
    tcase_add_test(tcase, a_reader_that_stands_still_holds_up_nobody_and_gets_whole_lines_later);
    tcase_add_test(tcase, a_file_that_cannot_be_opened_is_named);
    tcase_add_test(tcase, metrics_go_to_the_sinks_that_take_them);
    tcase_add_test(tcase, each_sink_has_a_name_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}
