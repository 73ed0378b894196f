#include "base/scan.h"

#include "../unit.h"
#include "base/rnd.h"

#include <stdlib.h>

/* Every length in a block of its own, so that a look beyond it is seen. */
static char *block_of(struct rnd *rnd, size_t len)
{
    char *block = malloc(len ? len : 1);

    for (size_t i = 0; i < len; i++)
        block[i] = (char)("ab\x01\x81\xff\0xyz"[rnd_u64(rnd) % 9]);
    return block;
}

static const char *first_of(const char *p, const char *end, char a, char b)
{
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

START_TEST(the_first_of_two_bytes_is_found_at_any_place_of_any_length)
{
    static const char bytes[][2] = {{'a', 'b'}, {'a', 'a'}, {'\0', 'q'}, {'\xff', '\x81'}, {'q', '\x80'}};
    struct rnd rnd;

    rnd_seed(&rnd, 1);
    for (size_t len = 0; len < 80; len++) {
        for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
            char *block = block_of(&rnd, len);

            for (size_t from = 0; from <= len; from++) {
                const char *expected = first_of(block + from, block + len, bytes[i][0], bytes[i][1]);

                ck_assert_ptr_eq(scan_either(block + from, block + len, bytes[i][0], bytes[i][1]), expected);
                ck_assert_ptr_eq(scan_short(block + from, block + len, bytes[i][0], bytes[i][1]), expected);
            }
            free(block);
        }
    }
}
END_TEST

START_TEST(a_byte_is_found_behind_any_number_of_others)
{
    char block[70];

    for (size_t at = 0; at < sizeof block; at++) {
        memset(block, '.', sizeof block);
        block[at] = '"';
        ck_assert_ptr_eq(scan_either(block, block + sizeof block, '"', '\\'), block + at);
        ck_assert_ptr_eq(scan_short(block, block + sizeof block, '\\', '"'), block + at);
        ck_assert_ptr_eq(scan_short(block, block + at, '\\', '"'), block + at);
    }
}
END_TEST

START_TEST(a_word_has_zeros_behind_the_end)
{
    const char text[] = "123456789";

    ck_assert_uint_eq(scan_word(text, text + 9), UINT64_C(0x3837363534333231));
    ck_assert_uint_eq(scan_word(text + 1, text + 9), UINT64_C(0x3938373635343332));
    ck_assert_uint_eq(scan_word(text + 6, text + 9), UINT64_C(0x393837));
    ck_assert_uint_eq(scan_word(text + 9, text + 9), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("scan");
    TCase *tcase = tcase_create("scan");

    tcase_add_test(tcase, the_first_of_two_bytes_is_found_at_any_place_of_any_length);
    tcase_add_test(tcase, a_byte_is_found_behind_any_number_of_others);
    tcase_add_test(tcase, a_word_has_zeros_behind_the_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
