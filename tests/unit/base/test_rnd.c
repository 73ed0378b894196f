#include "base/rnd.h"

#include "../unit.h"

#include <math.h>
#include <stdlib.h>

/*
 * What SipHash-2-4 gives for the messages "", 00, 00 01, … 00..3e under the key 00 01 .. 0f: the vectors of
 * the reference implementation, read as little-endian words, made again with `openssl mac -macopt size:8 …
 * SIPHASH`.
 */
static const uint64_t sip_vectors[64] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d, 0xcf2794e0277187b7,
    0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462, 0x9e0082df0ba9e4b0,
    0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7, 0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee,
    0xa129ca6149be45e5, 0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8, 0xb8ad50c6f649af94,
    0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad, 0xde4daaaca71dc9a5, 0xa6a2506687956571,
    0xad87a3535c49ef28, 0x32d892fad841c342, 0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238,
    0x15e034d40fa197ae, 0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
    0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95, 0xf935451de4f21df2,
    0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb, 0xe612a3cb9ecba951, 0xc766e62cfcadaf96,
    0xee64435a9752fe72, 0xa192d576b245165a, 0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea,
    0x245731c13ca42499, 0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
    0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

START_TEST(siphash_gives_the_vectors_of_its_authors)
{
    const struct hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    char message[64];

    for (size_t len = 0; len < sizeof message; len++) {
        ck_assert_uint_eq(hash_keyed(&key, (struct str){message, len}), sip_vectors[len]);
        message[len] = (char)len;
    }
    ck_assert_uint_eq(hash_keyed(&key, STR_NULL), sip_vectors[0]);
}
END_TEST

START_TEST(siphash_does_not_depend_on_alignment)
{
    const struct hash_key key = {1, 2};
    char block[48];

    for (size_t off = 0; off < 16; off++) {
        memcpy(block + off, "sticky assignment by client", 27);
        ck_assert_uint_eq(hash_keyed(&key, (struct str){block + off, 27}),
                          hash_keyed(&key, STR("sticky assignment by client")));
    }
}
END_TEST

START_TEST(another_key_gives_another_hash)
{
    struct hash_key a, b;

    hash_key_init(&a);
    hash_key_init(&b);
    ck_assert(a.k0 != b.k0 || a.k1 != b.k1);
    ck_assert_uint_ne(hash_keyed(&a, STR("client")), hash_keyed(&b, STR("client")));
}
END_TEST

START_TEST(xoshiro_gives_the_known_sequence)
{
    /* Worked out apart from this code, with whole numbers of any size, from the published definition. */
    static const uint64_t want[] = {
        UINT64_C(0x2d00),
        UINT64_C(0x0),
        UINT64_C(0x5a007080),
        UINT64_C(0x10e0000000009d80),
        UINT64_C(0x10e0b61ce1009d80),
        UINT64_C(0x870021ce143ad00),
        UINT64_C(0xe071c3c2e143f089),
        UINT64_C(0x75a1690ef7a20380),
    };
    struct rnd rnd = {{1, 2, 3, 4}};

    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_uint_eq(rnd_u64(&rnd), want[i]);
}
END_TEST

START_TEST(a_seed_is_spread_by_splitmix)
{
    struct rnd rnd;

    rnd_seed(&rnd, 1234567);
    ck_assert_uint_eq(rnd.s[0], UINT64_C(6457827717110365317));
    ck_assert_uint_eq(rnd.s[1], UINT64_C(3203168211198807973));
    ck_assert_uint_eq(rnd.s[2], UINT64_C(9817491932198370423));
    ck_assert_uint_eq(rnd.s[3], UINT64_C(4593380528125082431));
}
END_TEST

START_TEST(the_same_seed_gives_the_same_draws)
{
    struct rnd a, b, c;
    int same = 0;

    rnd_seed(&a, 7);
    rnd_seed(&b, 7);
    rnd_seed(&c, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t draw = rnd_u64(&a);

        ck_assert_uint_eq(draw, rnd_u64(&b));
        same += draw == rnd_u64(&c);
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

START_TEST(two_generators_from_the_kernel_differ)
{
    struct rnd a, b;

    rnd_init(&a);
    rnd_init(&b);
    ck_assert_uint_ne(rnd_u64(&a), rnd_u64(&b));
}
END_TEST

/* Draws below n and checks that each of `cells` equal ranges gets its share, within 5 standard deviations. */
static void check_even(uint32_t n, uint32_t cells)
{
    enum { DRAWS = 300000 };
    unsigned *count = calloc(cells, sizeof *count);
    double mean = (double)DRAWS / cells, limit = 5 * sqrt(mean * (1 - 1.0 / cells));
    struct rnd rnd;

    rnd_seed(&rnd, n);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t draw = rnd_below(&rnd, n);

        if (draw >= n) /* an assertion costs a write each time: too much for so many draws */
            ck_abort_msg("%u is not below %u", draw, n);
        count[(uint64_t)draw * cells / n]++;
    }
    for (uint32_t i = 0; i < cells; i++)
        ck_assert_msg(fabs(count[i] - mean) <= limit, "below %u: range %u of %u got %u of %g", n, i, cells,
                      count[i], mean);
    free(count);
}

START_TEST(a_draw_below_n_is_even)
{
    check_even(2, 2);
    check_even(3, 3);
    check_even(7, 7);
    check_even(100, 100);
    check_even(10000, 1000);
    check_even(UINT32_MAX, 64);
}
END_TEST

START_TEST(a_draw_below_n_has_no_bias_from_the_division)
{
    enum { DRAWS = 300000 };
    const uint32_t n =
        UINT32_C(3) << 30; /* scaling 32 bits without rejection would hit every third value twice */
    unsigned count[3] = {0};
    struct rnd rnd;

    rnd_seed(&rnd, 3);
    for (int i = 0; i < DRAWS; i++)
        count[rnd_below(&rnd, n) % 3]++;
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(fabs(count[i] - DRAWS / 3.0) <= 5 * sqrt(DRAWS * 2 / 9.0), "rest %zu: %u", i, count[i]);
}
END_TEST

START_TEST(a_draw_below_1_is_0)
{
    struct rnd rnd;

    rnd_seed(&rnd, 1);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(rnd_below(&rnd, 1), 0);
}
END_TEST

START_TEST(doubles_are_even_in_0_to_1)
{
    enum { DRAWS = 200000 };
    struct rnd rnd;
    double sum = 0;

    rnd_seed(&rnd, 1);
    for (int i = 0; i < DRAWS; i++) {
        double draw = rnd_double(&rnd);

        if (draw < 0 || draw >= 1)
            ck_abort_msg("%g", draw);
        sum += draw;
    }
    ck_assert(fabs(sum / DRAWS - 0.5) < 5 * sqrt(1.0 / 12 / DRAWS));
}
END_TEST

START_TEST(the_largest_draw_is_still_below_1)
{
    struct rnd rnd = {{0, UINT64_C(0x4fc71c71c71c71c7), 0, 0}}, copy = rnd; /* a state that yields all ones */

    ck_assert_uint_eq(rnd_u64(&copy), UINT64_MAX);
    ck_assert(rnd_double(&rnd) == 1 - 0x1p-53);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("rnd");
    TCase *tc = tcase_create("rnd");

    tcase_add_test(tc, siphash_gives_the_vectors_of_its_authors);
    tcase_add_test(tc, siphash_does_not_depend_on_alignment);
    tcase_add_test(tc, another_key_gives_another_hash);
    tcase_add_test(tc, xoshiro_gives_the_known_sequence);
    tcase_add_test(tc, a_seed_is_spread_by_splitmix);
    tcase_add_test(tc, the_same_seed_gives_the_same_draws);
    tcase_add_test(tc, two_generators_from_the_kernel_differ);
    tcase_add_test(tc, a_draw_below_n_is_even);
    tcase_add_test(tc, a_draw_below_n_has_no_bias_from_the_division);
    tcase_add_test(tc, a_draw_below_1_is_0);
    tcase_add_test(tc, doubles_are_even_in_0_to_1);
    tcase_add_test(tc, the_largest_draw_is_still_below_1);
    suite_add_tcase(suite, tc);
    return suite;
}
