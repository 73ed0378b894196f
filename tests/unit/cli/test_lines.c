#include "cli/lines.h"

#include "../unit.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char path[] = "/tmp/penstock-lines-XXXXXX";
static struct lines lines;

static void open_with(const char *bytes, size_t len)
{
    int fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, bytes + done, len - done);

        ck_assert_int_gt(n, 0);
        done += (size_t)n;
    }
    close(fd);
    ck_assert(lines_open(&lines, path));
    unlink(path);
}

static void next_is(const char *text)
{
    struct str line;

    ck_assert_int_eq(lines_next(&lines, &line), LINES_LINE);
    ck_assert_msg(str_eq(line, str_from(text)), "%.*s", STR_ARG(line));
}

static void is_over(void)
{
    struct str line;

    ck_assert_int_eq(lines_next(&lines, &line), LINES_END);
    ck_assert_int_eq(lines_next(&lines, &line), LINES_END);
    lines_close(&lines);
}

START_TEST(lines_end_with_lf_cr_lf_or_the_file)
{
    open_with("a\nbc\r\n\nlast", 11);
    next_is("a");
    next_is("bc");
    next_is("");
    ck_assert_uint_eq(lines.number, 3);
    next_is("last");
    is_over();
}
END_TEST

START_TEST(an_empty_file_has_no_line)
{
    open_with("", 0);
    is_over();
}
END_TEST

/* More than a block in all, with lines that lie across its end. */
START_TEST(lines_across_blocks_are_whole)
{
    enum { LINES = 5000, LEN = 499 };
    char *bytes = mem_alloc(LINES * (LEN + 1)), want[LEN + 1];

    for (size_t i = 0; i < LINES; i++) {
        memset(bytes + i * (LEN + 1), 'a' + (int)(i % 26), LEN);
        bytes[i * (LEN + 1) + LEN] = '\n';
    }
    open_with(bytes, LINES * (LEN + 1));
    for (size_t i = 0; i < LINES; i++) {
        memset(want, 'a' + (int)(i % 26), LEN);
        want[LEN] = '\0';
        next_is(want);
    }
    is_over();
    free(bytes);
}
END_TEST

START_TEST(a_line_without_end_is_an_error)
{
    char *bytes = mem_alloc(LINES_BLOCK + 2);
    struct str line;

    memset(bytes, 'x', LINES_BLOCK + 2);
    bytes[0] = '\n';
    open_with(bytes, LINES_BLOCK + 2);
    next_is("");
    ck_assert_int_eq(lines_next(&lines, &line), LINES_FAILED);
    ck_assert_uint_eq(lines.number, 2);
    ck_assert_ptr_nonnull(strstr(lines.why, "longer"));
    lines_close(&lines);
    free(bytes);
}
END_TEST

START_TEST(a_missing_file_says_so)
{
    ck_assert(!lines_open(&lines, "/nowhere/at/all"));
    ck_assert_ptr_nonnull(strstr(lines.why, "No such file"));
}
END_TEST

/* Packs the text as a member of its own behind those that are there. */
static size_t pack(const char *text, size_t text_len, char *bytes, size_t len, size_t cap)
{
    z_stream stream = {0};

    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)text;
    stream.avail_in = (uInt)text_len;
    stream.next_out = (unsigned char *)bytes + len;
    stream.avail_out = (uInt)(cap - len);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return cap - stream.avail_out;
}

START_TEST(what_is_packed_is_unpacked_member_after_member)
{
    char bytes[1024] = {0};
    size_t len = pack("a\nb", 3, bytes, 0, sizeof bytes);

    len = pack("c\nd\n", 4, bytes, len, sizeof bytes);
    open_with(bytes, len + 512); /* with zeros behind it, as tapes have */
    next_is("a");
    next_is("bc");
    next_is("d");
    is_over();
}
END_TEST

START_TEST(packed_lines_across_blocks_are_whole)
{
    enum { LEN = 3 * LINES_BLOCK };
    char *text = mem_alloc(LEN), *bytes = mem_alloc(LEN);
    struct str line;
    size_t len;

    for (size_t i = 0; i < LEN; i++)
        text[i] = i % 1000 == 999 ? '\n' : (char)('a' + i % 7);
    len = pack(text, LEN, bytes, 0, LEN);
    open_with(bytes, len);
    for (size_t i = 0; i + 1000 <= LEN; i += 1000) {
        ck_assert_int_eq(lines_next(&lines, &line), LINES_LINE);
        ck_assert(str_eq(line, (struct str){text + i, 999}));
    }
    ck_assert_int_eq(lines_next(&lines, &line), LINES_LINE);
    is_over();
    free(text);
    free(bytes);
}
END_TEST

START_TEST(packed_data_that_is_cut_or_damaged_says_so_behind_its_lines)
{
    char text[4000], bytes[4096];
    enum lines_next next;
    struct str line;
    size_t len;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 10 == 9 ? '\n' : (char)('a' + (i * i) % 23);
    len = pack(text, sizeof text, bytes, 0, sizeof bytes);
    open_with(bytes, len - 9);
    while ((next = lines_next(&lines, &line)) == LINES_LINE)
        ;
    ck_assert_int_eq(next, LINES_FAILED);
    ck_assert_ptr_nonnull(strstr(lines.why, "ends in the middle"));
    lines_close(&lines);
    memset(bytes + 20, 0xff, 20);
    open_with(bytes, len);
    while ((next = lines_next(&lines, &line)) == LINES_LINE)
        ;
    ck_assert_int_eq(next, LINES_FAILED);
    lines_close(&lines);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_test(tcase, lines_end_with_lf_cr_lf_or_the_file);
    tcase_add_test(tcase, an_empty_file_has_no_line);
    tcase_add_test(tcase, lines_across_blocks_are_whole);
    tcase_add_test(tcase, a_line_without_end_is_an_error);
    tcase_add_test(tcase, what_is_packed_is_unpacked_member_after_member);
    tcase_add_test(tcase, packed_lines_across_blocks_are_whole);
    tcase_add_test(tcase, packed_data_that_is_cut_or_damaged_says_so_behind_its_lines);
    tcase_add_test(tcase, a_missing_file_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
