/*
 * The search for one of two bytes, for readers of text whose values end at one of few characters, and words
 * of eight bytes, for those that know what may stand there. It looks at 16 bytes at a time where the machine
 * can, else at 8. Pure; any thread.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The eight bytes at p as a number, the first one lowest; what lies at `end` and behind it counts as zeros.
 */
static inline uint64_t scan_word(const char *p, const char *end)
{
    uint64_t word = 0;

    if (end - p >= 8) {
        memcpy(&word, p, 8);
        return le64toh(word);
    }
    for (unsigned shift = 0; p < end; p++, shift += 8)
        word |= (uint64_t)(unsigned char)*p << shift;
    return word;
}

/* The same as scan_either, for short ranges. */
const char *scan_short(const char *p, const char *end, char a, char b);

/* The first a or b in [p, end), or end. */
static inline const char *scan_either(const char *p, const char *end, char a, char b)
{
#ifdef __SSE2__
    const __m128i as = _mm_set1_epi8(a), bs = _mm_set1_epi8(b);

    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, as), _mm_cmpeq_epi8(bytes, bs));
        unsigned bits = (unsigned)_mm_movemask_epi8(hits);

        if (bits)
            return p + (unsigned)__builtin_ctz(bits);
    }
#endif
    return scan_short(p, end, a, b);
}

#endif
