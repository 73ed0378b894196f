#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "base/str.h"
#include "export/logpack.h"
#include "export/logplace.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/penstock-logfile-XXXXXX";
static struct config_log conf;
static struct logplace *place;
static uint32_t next_line;

static void set_up(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    conf = (struct config_log){.kind = CONFIG_LOG_FILE,
                               .path = mem_printf("%s/access.jsonl", folder),
                               .queue = 1 << 20,
                               .sample.share = CONFIG_WEIGHT_ONE,
                               .max_size = 128 * 1024,
                               .max_total = 1 << 20};
    place = NULL;
    next_line = 0;
}

static void open_place(void)
{
    char why[128];

    place = logplace_open(&conf, why, sizeof why);
    ck_assert_msg(place != NULL, "%s", why);
}

static void close_place(void)
{
    place->kind->finish(place, 0);
    logplace_free(place);
    place = NULL;
}

typedef void each_file(const char *path, const struct stat *stat, void *arg);

static void for_each(each_file *each, void *arg)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        char *path = mem_printf("%s/%s", folder, entry->d_name);
        struct stat stat;

        if (entry->d_name[0] != '.' && lstat(path, &stat) == 0)
            each(path, &stat, arg);
        free(path);
    }
    closedir(dir);
}

static void remove_it(const char *path, const struct stat *stat, void *arg)
{
    (void)stat, (void)arg;
    unlink(path);
}

static void tear_down(void)
{
    if (place)
        close_place();
    for_each(remove_it, NULL);
    rmdir(folder);
    free(conf.path);
}

static void add_size(const char *path, const struct stat *stat, void *arg)
{
    (void)path;
    *(uint64_t *)arg +=
        (uint64_t)(stat->st_blocks * 512 > stat->st_size ? stat->st_blocks * 512 : stat->st_size);
}

static uint64_t on_disk(void)
{
    uint64_t bytes = 0;

    for_each(add_size, &bytes);
    return bytes;
}

static void count_ending(const char *path, const struct stat *stat, void *arg)
{
    (void)stat;
    *(unsigned *)arg += str_ends_with(str_from(path), STR(".gz"));
}

static unsigned packs(void)
{
    unsigned n = 0;

    for_each(count_ending, &n);
    return n;
}

static void add_lines(const char *path, const struct stat *stat, void *arg)
{
    (void)stat;
    *(uint64_t *)arg += logpack_lines(path);
}

static uint64_t lines_kept(void)
{
    uint64_t lines = 0;

    for_each(add_lines, &lines);
    return lines;
}

/* 100 lines of some 100 bytes. */
static void take_block(void)
{
    static char block[32 * 1024];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    for (uint32_t i = 0; i < 100; i++, next_line++)
        buf_printf(&buf, "{\"line\":%08u,\"noise\":\"%08x%08x\",\"pad\":\"%050d\"}\n", next_line,
                   next_line * 2654435761U, next_line * 40503U * 65537U, 0);
    ck_assert(!buf.full);
    place->kind->take(place, buf_str(&buf), 100);
}

/* A block, and whatever the place does between two. After each step the cap holds. */
static void write_block(void)
{
    take_block();
    ck_assert_uint_le(on_disk(), conf.max_total);
    place->kind->work(place);
    ck_assert_uint_le(on_disk(), conf.max_total);
}

static void work_all(void)
{
    while (place->kind->work(place) == 0)
        ck_assert_uint_le(on_disk(), conf.max_total);
}

static uint64_t counter(const _Atomic uint64_t *n)
{
    return atomic_load(n);
}

START_TEST(a_full_file_is_turned_and_nothing_is_lost)
{
    open_place();
    for (int i = 0; i < 60; i++)
        write_block();
    close_place();
    ck_assert_uint_eq(lines_kept(), 6000);
    ck_assert_uint_eq(packs(), 0);
    ck_assert_uint_gt(on_disk(), 4 * conf.max_size);
}
END_TEST

START_TEST(finished_files_are_packed_and_can_be_read)
{
    conf.pack = true;
    open_place();
    for (int i = 0; i < 60; i++)
        write_block();
    work_all();
    close_place();
    ck_assert_uint_eq(packs(), 4);
    ck_assert_uint_eq(lines_kept(), 6000);
}
END_TEST

START_TEST(what_was_left_unpacked_is_packed_after_a_start)
{
    open_place();
    for (int i = 0; i < 30; i++)
        write_block();
    close_place();
    ck_assert_uint_eq(packs(), 0);
    conf.pack = true;
    open_place();
    work_all();
    ck_assert_uint_eq(packs(), 2);
    ck_assert_uint_eq(lines_kept(), 3000);
}
END_TEST

START_TEST(the_cap_is_never_passed_whatever_is_written)
{
    conf.pack = _i == 1;
    conf.max_total = conf.pack ? 512 * 1024 : conf.max_total;
    open_place();
    for (int i = 0; i < 400; i++)
        write_block();
    work_all();
    ck_assert_uint_gt(counter(&place->counters.removed_files), 2);
    ck_assert_uint_eq(counter(&place->counters.removed_lines), 0); /* nobody was expected to ship them */
    ck_assert_uint_eq(counter(&place->counters.lost), 0);
    /* The newest are there. */
    ck_assert_uint_gt(lines_kept(), 1000);
    close_place();
    /* And after a start, with what is there already. */
    open_place();
    for (int i = 0; i < 100; i++)
        write_block();
}
END_TEST

START_TEST(a_smaller_cap_is_kept_from_the_next_line_on)
{
    open_place();
    for (int i = 0; i < 80; i++)
        write_block();
    close_place();
    conf.max_total = 512 * 1024;
    open_place();
    for (int i = 0; i < 10; i++)
        write_block();
}
END_TEST

static void mark_one(const char *path, const struct stat *stat, void *arg)
{
    const char **which = arg;
    char *marker = mem_printf("%s.shipped", path);

    (void)stat;
    /* The newest finished one. */
    if (strstr(path, "access-") && (!*which || strcmp(path, *which) > 0)) {
        free((void *)(uintptr_t)*which);
        *which = mem_strdup(path);
    }
    free(marker);
}

START_TEST(what_has_been_shipped_goes_first_and_what_has_not_is_counted)
{
    const char *newest = NULL;
    char *marker;
    uint64_t lines;

    conf.await_shipper = true;
    open_place();
    while (on_disk() < conf.max_total - 160 * 1024)
        write_block();
    for_each(mark_one, &newest);
    marker = mem_printf("%s.shipped", newest);
    close(open(marker, O_WRONLY | O_CREAT, 0600));
    while (counter(&place->counters.removed_files) == 0)
        write_block();
    ck_assert_int_ne(access(newest, F_OK), 0);
    ck_assert_int_ne(access(marker, F_OK), 0);
    ck_assert_uint_eq(counter(&place->counters.removed_lines), 0);
    while (counter(&place->counters.removed_files) == 1)
        write_block();
    lines = counter(&place->counters.removed_lines);
    ck_assert_uint_gt(lines, 1000);
    ck_assert_uint_eq(lines_kept() + lines + 1200, next_line); /* 1200: the shipped one's */
    free(marker);
    free((void *)(uintptr_t)newest);
}
END_TEST

START_TEST(an_alarm_comes_before_the_loss)
{
    conf.await_shipper = true;
    open_place();
    place->kind->work(place);
    ck_assert_uint_eq(counter(&place->counters.alarm), 0);
    while (counter(&place->counters.removed_files) == 0 && counter(&place->counters.alarm) == 0) {
        write_block();
    }
    ck_assert_uint_eq(counter(&place->counters.alarm), 1);
    ck_assert_uint_eq(counter(&place->counters.removed_files), 0);
    ck_assert_uint_gt(counter(&place->counters.unshipped_bytes), conf.max_total / 2);
}
END_TEST

START_TEST(a_file_that_was_cut_by_others_counts_as_it_is)
{
    open_place();
    for (int i = 0; i < 10; i++)
        write_block();
    ck_assert_int_eq(truncate(conf.path, 0), 0); /* as copytruncate does */
    for (int i = 0; i < 10; i++)
        write_block();
    ck_assert_uint_eq(lines_kept(), 1000);
}
END_TEST

/* No other can be opened. */
START_TEST(a_file_that_cannot_be_followed_keeps_its_name_and_goes_on)
{
    struct rlimit before, none;

    open_place();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    place->kind->work(place);
    for (int i = 0; i < 9; i++)
        write_block();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 6; i++) {
        take_block();
        place->kind->work(place);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_eq(logpack_lines(conf.path), 1500);
    ck_assert_uint_gt(counter(&place->counters.errors), 0);
    write_block();
    ck_assert_uint_lt(logpack_lines(conf.path), 1500);
    ck_assert_uint_eq(lines_kept(), 1600);
    ck_assert_uint_eq(counter(&place->counters.lost), 0);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_is_refused_at_once)
{
    char why[128];

    ck_assert_int_eq(mkfifo(conf.path, 0600), 0);
    ck_assert_ptr_null(logplace_open(&conf, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "No such device"));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logfile");
    TCase *tcase = tcase_create("logfile");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_full_file_is_turned_and_nothing_is_lost);
    tcase_add_test(tcase, finished_files_are_packed_and_can_be_read);
    tcase_add_test(tcase, what_was_left_unpacked_is_packed_after_a_start);
    tcase_add_loop_test(tcase, the_cap_is_never_passed_whatever_is_written, 0, 2);
    tcase_add_test(tcase, a_smaller_cap_is_kept_from_the_next_line_on);
    tcase_add_test(tcase, what_has_been_shipped_goes_first_and_what_has_not_is_counted);
    tcase_add_test(tcase, an_alarm_comes_before_the_loss);
    tcase_add_test(tcase, a_file_that_was_cut_by_others_counts_as_it_is);
    tcase_add_test(tcase, a_file_that_cannot_be_followed_keeps_its_name_and_goes_on);
    tcase_add_test(tcase, a_pipe_that_nobody_reads_is_refused_at_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
