#include "conf/ram.h"

#include "../unit.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char root[] = "/tmp/penstock-ram-XXXXXX";

static void set_up(void)
{
    memcpy(root + sizeof root - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
    char *command = mem_printf("rm -r %s", root);

    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* Writes a file with the folders above it. */
static void put(const char *path, const char *text)
{
    char *whole = mem_printf("%s%s", root, path);
    FILE *file;

    for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(whole, 0755);
        *p = '/';
    }
    file = fopen(whole, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(whole);
}

static const char meminfo[] = "MemTotal:        1048576 kB\nMemFree:          123 kB\n";

START_TEST(nothing_to_read_is_no_limit)
{
    ck_assert_uint_eq(ram_usable(root), UINT64_MAX);
}
END_TEST

START_TEST(without_control_groups_it_is_the_machines_memory)
{
    put("/proc/meminfo", meminfo);
    ck_assert_uint_eq(ram_usable(root), 1024 * MIB);
    put("/proc/self/cgroup", "0::/\n");
    ck_assert_uint_eq(ram_usable(root), 1024 * MIB);
}
END_TEST

START_TEST(the_least_of_a_group_and_those_above_it_counts)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "0::/system.slice/penstock.service\n");
    put("/sys/fs/cgroup/system.slice/penstock.service/memory.max", "max\n");
    ck_assert_uint_eq(ram_usable(root), 1024 * MIB);
    put("/sys/fs/cgroup/system.slice/memory.max", "268435456\n");
    ck_assert_uint_eq(ram_usable(root), 256 * MIB);
    put("/sys/fs/cgroup/system.slice/penstock.service/memory.max", "134217728\n");
    ck_assert_uint_eq(ram_usable(root), 128 * MIB);
    put("/sys/fs/cgroup/system.slice/penstock.service/memory.max", "536870912\n");
    ck_assert_uint_eq(ram_usable(root), 256 * MIB);
}
END_TEST

START_TEST(a_container_sees_its_own_limit_at_the_top)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "67108864\n");
    ck_assert_uint_eq(ram_usable(root), 64 * MIB);
    put("/proc/self/cgroup", "0::/docker/0123\n"); /* a path of the host, which is not there */
    ck_assert_uint_eq(ram_usable(root), 64 * MIB);
}
END_TEST

START_TEST(groups_of_version_1_count_where_they_are_about_memory)
{
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/ecs/task\n1:name=systemd:/x\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/ecs/task/memory.limit_in_bytes", "33554432\n");
    ck_assert_uint_eq(ram_usable(root), 32 * MIB);
}
END_TEST

START_TEST(what_makes_no_sense_limits_nothing)
{
    put("/proc/meminfo", "MemTotal:\nMemTotal: many kB\n");
    put("/proc/self/cgroup", "0:\n\n:::\n0::/a/../b//\n");
    put("/sys/fs/cgroup/memory.max", "");
    ck_assert_uint_eq(ram_usable(root), UINT64_MAX);
}
END_TEST

START_TEST(this_machine_has_some)
{
    ck_assert_uint_gt(ram_usable(""), MIB);
    ck_assert_uint_lt(ram_usable(""), UINT64_MAX);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("ram");
    TCase *tc = tcase_create("ram");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, nothing_to_read_is_no_limit);
    tcase_add_test(tc, without_control_groups_it_is_the_machines_memory);
    tcase_add_test(tc, the_least_of_a_group_and_those_above_it_counts);
    tcase_add_test(tc, a_container_sees_its_own_limit_at_the_top);
    tcase_add_test(tc, groups_of_version_1_count_where_they_are_about_memory);
    tcase_add_test(tc, what_makes_no_sense_limits_nothing);
    tcase_add_test(tc, this_machine_has_some);
    suite_add_tcase(suite, tc);
    return suite;
}
