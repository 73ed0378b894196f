#include "proto/octet.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    NAME = OCTET_TOKEN | OCTET_TARGET | OCTET_HOST,
    WORD = NAME | OCTET_ENCODED,
    MARK = OCTET_TOKEN | OCTET_TARGET,
};

/* What is not listed, SP, HTAB and 0x80 to 0xff, is in no class. */
const uint8_t octet_classes[256] = {
    [0x00 ... 0x08] = OCTET_CONTROL,
    [0x0a ... 0x1f] = OCTET_CONTROL,
    [0x7f] = OCTET_CONTROL,
    ['0' ... '9'] = WORD,
    ['A' ... 'Z'] = WORD,
    ['a' ... 'z'] = WORD,
    ['-'] = NAME,
    ['~'] = NAME,
    ['.'] = NAME | OCTET_ALIAS,
    ['_'] = NAME | OCTET_ALIAS,
    ['+'] = MARK | OCTET_ENCODED,
    ['!'] = MARK,
    ['$'] = MARK,
    ['%'] = MARK,
    ['&'] = MARK,
    ['\''] = MARK,
    ['*'] = MARK,
    ['^'] = MARK,
    ['`'] = MARK,
    ['|'] = MARK,
    ['#'] = OCTET_TOKEN,
    ['/'] = OCTET_TARGET | OCTET_ENCODED,
    ['"'] = OCTET_TARGET,
    ['('] = OCTET_TARGET,
    [')'] = OCTET_TARGET,
    [','] = OCTET_TARGET,
    [':'] = OCTET_TARGET,
    [';'] = OCTET_TARGET,
    ['<'] = OCTET_TARGET,
    ['='] = OCTET_TARGET,
    ['>'] = OCTET_TARGET,
    ['?'] = OCTET_TARGET,
    ['@'] = OCTET_TARGET,
    ['['] = OCTET_TARGET,
    ['\\'] = OCTET_TARGET,
    [']'] = OCTET_TARGET,
    ['{'] = OCTET_TARGET,
    ['}'] = OCTET_TARGET,
};

const char *octet_span(const char *p, const char *end, enum octet_class class, uint8_t *seen_r)
{
    uint8_t seen = 0;

    for (; p < end; p++) {
        uint8_t classes = octet_classes[(unsigned char)*p];

        if (!(classes & class))
            break;
        seen |= classes;
    }
    *seen_r = seen;
    return p;
}

#ifdef __SSE2__
/* A bit for each of the 16 bytes at p that is a control character. */
static unsigned control_mask(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}
#endif

const char *octet_find_control(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        unsigned mask = control_mask(p);

        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && !octet_is(*p, OCTET_CONTROL))
        p++;
    return p;
}

int octet_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
