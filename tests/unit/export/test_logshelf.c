#include "export/logshelf.h"

#include "../unit.h"
#include "base/mem.h"
#include "export/logpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char folder[] = "/tmp/penstock-logshelf-XXXXXX";
static char *open_path, *home, *pack, *marker;
static struct logplace place;
static struct logshelf *shelf;

/* A shelf, and a file that lies elsewhere than where it is to go. */
static void set_up(void)
{
    static const struct logshelf_rules rules = {.cap = 1 << 20, .pack = true, .await_shipper = true};
    FILE *file;

    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    open_path = mem_printf("%s/open", folder);
    home = mem_printf("%s/there/a.jsonl", folder);
    pack = mem_printf("%s.gz", home);
    marker = mem_printf("%s.shipped", open_path);
    memset(&place, 0, sizeof place);
    place.name = (char *)(uintptr_t) "partitions:test";
    shelf = logshelf_new(&place, &rules);
    file = fopen(open_path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("one\ntwo\n", file);
    fclose(file);
    logshelf_add(shelf, open_path, home, 8, 2);
}

static void tear_down(void)
{
    char *const paths[] = {open_path, home, pack, marker};
    char *there = mem_printf("%s/there", folder);

    logshelf_free(shelf);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    rmdir(there);
    rmdir(folder);
    free(there);
}

static void work_all(void)
{
    for (int i = 0; i < 100 && logshelf_work(shelf, 0); i++)
        ;
    ck_assert(!logshelf_work(shelf, 0));
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

/* As long as it is in force, no file can be opened. */
static void limit_files(struct rlimit *before)
{
    struct rlimit none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before->rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

START_TEST(a_file_is_packed_and_moved_to_its_name)
{
    work_all();
    ck_assert(!is_there(open_path) && !is_there(home));
    ck_assert_uint_eq(logpack_lines(pack), 2);
}
END_TEST

START_TEST(what_cannot_be_packed_goes_to_its_place_unpacked)
{
    struct rlimit before;

    limit_files(&before);
    work_all();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(!is_there(open_path) && !is_there(pack));
    ck_assert_uint_eq(logpack_lines(home), 2);
}
END_TEST

/* A file stands where its folder is to be. */
START_TEST(what_cannot_be_moved_is_tried_again_after_a_look)
{
    char *there = mem_printf("%s/there", folder);

    touch(there);
    work_all();
    ck_assert(is_there(open_path));
    unlink(there);
    ck_assert(!logshelf_work(shelf, 0));
    logshelf_look(shelf, folder, 0);
    work_all();
    ck_assert(!is_there(open_path));
    ck_assert_uint_eq(logpack_lines(pack), 2);
    free(there);
}
END_TEST

START_TEST(what_has_been_shipped_is_not_packed)
{
    touch(marker);
    work_all();
    ck_assert(!is_there(pack));
    ck_assert_uint_eq(logpack_lines(home), 2);
}
END_TEST

START_TEST(a_pack_is_thrown_away_when_the_file_was_shipped_meanwhile)
{
    ck_assert(logshelf_work(shelf, 0));
    ck_assert(logshelf_work(shelf, 0)); /* it has read the file, and has to see its end */
    if (_i == 0)
        unlink(open_path);
    else
        touch(marker);
    work_all();
    ck_assert(!is_there(pack));
    ck_assert(is_there(home) == (_i == 1));
    logshelf_look(shelf, folder, 0);
    ck_assert_uint_eq(atomic_load(&place.counters.held_bytes), _i == 0 ? 0 : 4096);
}
END_TEST

START_TEST(room_that_others_have_made_costs_no_file)
{
    char *second = mem_printf("%s/second", folder);

    touch(second);
    logshelf_add(shelf, second, second, (1 << 20) - 12 * 1024, 7);
    unlink(open_path);
    ck_assert(logshelf_room(shelf, 0, 4096));
    ck_assert(is_there(second));
    ck_assert_uint_eq(atomic_load(&place.counters.removed_files), 0);
    ck_assert(logshelf_room(shelf, 0, 12 * 1024));
    ck_assert(!is_there(second));
    ck_assert_uint_eq(atomic_load(&place.counters.removed_lines), 7);
    free(second);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logshelf");
    TCase *tcase = tcase_create("logshelf");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_file_is_packed_and_moved_to_its_name);
    tcase_add_test(tcase, what_cannot_be_packed_goes_to_its_place_unpacked);
    tcase_add_test(tcase, what_cannot_be_moved_is_tried_again_after_a_look);
    tcase_add_test(tcase, what_has_been_shipped_is_not_packed);
    tcase_add_loop_test(tcase, a_pack_is_thrown_away_when_the_file_was_shipped_meanwhile, 0, 2);
    tcase_add_test(tcase, room_that_others_have_made_costs_no_file);
    suite_add_tcase(suite, tcase);
    return suite;
}
