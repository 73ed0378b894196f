#include "export/logspool.h"

#include "../unit.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static char folder[] = "/tmp/penstock-logspool-XXXXXX";
static struct logplace place;
static struct logspool *spool;

static void open_spool(uint64_t cap)
{
    logspool_free(spool);
    spool = logspool_new(&place, folder, cap);
    ck_assert_ptr_nonnull(spool);
}

static void set_up(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&place, 0, sizeof place);
    place.name = (char *)(uintptr_t) "forward:test";
    open_spool(1 << 20);
}

/* How many messages the folder has; each is given to `each`, unless that is NULL. */
static unsigned files(void (*each)(const char *path))
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    unsigned n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (entry->d_name[0] != '.') {
            n++;
            if (each)
                each(path);
        }
        free(path);
    }
    closedir(dir);
    return n;
}

static void remove_it(const char *path)
{
    unlink(path);
}

static void tear_down(void)
{
    logspool_free(spool);
    spool = NULL;
    files(remove_it);
    rmdir(folder);
}

static uint64_t lost(void)
{
    return atomic_load(&place.counters.lost);
}

/* Messages are what their id says; each has 10 lines. */
static bool put(const char *id)
{
    return logspool_put(spool, str_from(id), str_from(id), 10);
}

static bool take(const char *expected)
{
    char id[32];
    size_t len;
    uint32_t lines;
    char *bytes = logspool_take(spool, id, sizeof id, &len, &lines);
    bool taken = bytes != NULL;

    if (taken) {
        ck_assert_str_eq(id, expected);
        ck_assert(str_eq((struct str){bytes, len}, str_from(expected)));
        ck_assert_uint_eq(lines, 10);
    }
    free(bytes);
    return taken;
}

START_TEST(messages_come_back_in_their_order_and_stay_until_they_are_removed)
{
    ck_assert(put("one"));
    usleep(2000); /* their names are apart by milliseconds */
    ck_assert(put("two"));
    ck_assert(take("one"));
    open_spool(1 << 20);
    ck_assert(take("one"));
    ck_assert(take("two"));
    ck_assert(!take(""));
    logspool_remove(spool, STR("one"));
    logspool_remove(spool, STR("two"));
    ck_assert_uint_eq(files(NULL), 0);
    ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(what_cannot_be_read_now_stays_and_is_read_later)
{
    struct rlimit before, none;

    ck_assert(put("one"));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 3; i++)
        ck_assert(!take(""));
    ck_assert(logspool_has(spool));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(take("one"));
    ck_assert_uint_eq(lost(), 0);
}
END_TEST

static void cut(const char *path)
{
    if (strstr(path, "-one-"))
        ck_assert_int_eq(truncate(path, 1), 0);
}

START_TEST(what_is_damaged_is_removed_and_counted)
{
    ck_assert(put("one"));
    usleep(2000);
    ck_assert(put("two"));
    files(cut);
    ck_assert(take("two"));
    ck_assert_uint_eq(lost(), 10);
    ck_assert_uint_eq(files(NULL), 1);
}
END_TEST

static void empty(const char *path)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

START_TEST(an_empty_file_is_no_message)
{
    ck_assert(put("one"));
    files(empty);
    open_spool(1 << 20);
    ck_assert(!logspool_has(spool));
    ck_assert_uint_eq(lost(), 10);
    ck_assert_uint_eq(files(NULL), 0);
    ck_assert_uint_eq(logspool_disk(spool), 0);
}
END_TEST

START_TEST(beyond_the_cap_the_oldest_goes_but_none_that_is_on_its_way)
{
    open_spool(2 * BLOCK);
    ck_assert(put("one"));
    ck_assert(put("two"));
    ck_assert(put("three"));
    ck_assert_uint_eq(lost(), 10);
    ck_assert_uint_eq(files(NULL), 2);
    for (int i = 0; i < 2; i++) {
        char id[32];
        size_t len;
        uint32_t lines;
        char *bytes = logspool_take(spool, id, sizeof id, &len, &lines);

        ck_assert_ptr_nonnull(bytes);
        free(bytes);
    }
    ck_assert(!put("four"));
    ck_assert_uint_eq(lost(), 10); /* whoever wanted to put it counts it */
    ck_assert_uint_eq(files(NULL), 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logspool");
    TCase *tcase = tcase_create("logspool");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, messages_come_back_in_their_order_and_stay_until_they_are_removed);
    tcase_add_test(tcase, what_cannot_be_read_now_stays_and_is_read_later);
    tcase_add_test(tcase, what_is_damaged_is_removed_and_counted);
    tcase_add_test(tcase, an_empty_file_is_no_message);
    tcase_add_test(tcase, beyond_the_cap_the_oldest_goes_but_none_that_is_on_its_way);
    suite_add_tcase(suite, tcase);
    return suite;
}
