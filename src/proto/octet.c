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

#ifdef __SSE2__
static __m128i load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* 0xff where v is in [low, low + span], as unsigned bytes. */
static __m128i in_range(__m128i v, char low, char span)
{
    __m128i offset = _mm_sub_epi8(v, _mm_set1_epi8(low));

    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(span)), offset);
}

/* A bit for each of the 16 bytes at p that is a letter, a digit or '-'. */
static unsigned plain_mask(const char *p)
{
    __m128i v = load(p);
    __m128i letter = in_range(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 25);
    __m128i digit = in_range(v, '0', 9);
    __m128i dash = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), dash));
}

/* A bit for each of the 16 bytes at p that is a control character. */
static unsigned control_mask(const char *p)
{
    __m128i v = load(p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

/* A bit for each of the 16 bytes at p that is not OCTET_TARGET; as signed bytes all above 0x7f are below SP.
 */
static unsigned not_target_mask(const char *p)
{
    __m128i v = load(p);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8('!'));
    __m128i hash = _mm_cmpeq_epi8(v, _mm_set1_epi8('#'));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(hash, del)));
}
#endif

/* Skips letters, digits and '-' at the front, of which most names consist: they are in all classes that make
 * names. */
static const char *skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        unsigned other = ~plain_mask(p) & 0xffff;

        if (other)
            return p + __builtin_ctz(other);
    }
#endif
    return p;
}

const char *octet_span(const char *p, const char *end, enum octet_class class, bool *alias_r)
{
    uint8_t seen = 0;

    if (class & NAME)
        p = skip_plain(p, end);
    for (; p < end; p++) {
        uint8_t classes = octet_classes[(unsigned char)*p];

        if (!(classes & class))
            break;
        seen |= classes;
    }
    *alias_r = seen & OCTET_ALIAS;
    return p;
}

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

/* Skips whole blocks of OCTET_TARGET. */
static const char *skip_target(const char *p, const char *end)
{
#ifdef __SSE2__
    while (end - p >= 16 && !not_target_mask(p))
        p += 16;
#endif
    return p;
}

bool octet_all(struct str text, enum octet_class class)
{
    const char *p = text.p;
    const char *end = p + text.len;

    if (class == OCTET_TARGET)
        p = skip_target(p, end);
    while (p < end && octet_is(*p, class))
        p++;
    return p == end && text.len;
}

int octet_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
