#include "base/scan.h"

/* High bits of the bytes that are `c`; above the lowest of them others may be set too. */
static uint64_t hits_of(uint64_t word, char c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t other = word ^ ones * (unsigned char)c;

    return (other - ones) & ~other & highs;
}

const char *scan_short(const char *p, const char *end, char a, char b)
{
    for (; end - p >= 8; p += 8) {
        uint64_t word = scan_word(p, end), hits = hits_of(word, a) | hits_of(word, b);

        if (hits)
            return p + __builtin_ctzll(hits) / 8;
    }
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}
