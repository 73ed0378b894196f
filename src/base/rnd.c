#include "base/rnd.h"

#include "base/bug.h"

#include <sys/random.h>

static void from_kernel(void *bytes, size_t len)
{
    if (getrandom(bytes, len, 0) != (ssize_t)len)
        BUG("getrandom gave no %zu bytes", len);
}

void rnd_init(struct rnd *rnd)
{
    from_kernel(rnd->s, sizeof rnd->s);
}

void rnd_seed(struct rnd *rnd, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) { /* splitmix64, as the authors of xoshiro advise */
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        rnd->s[i] = z ^ (z >> 31);
    }
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t rnd_u64(struct rnd *rnd)
{
    uint64_t *s = rnd->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint32_t rnd_below(struct rnd *rnd, uint32_t n)
{
    uint64_t product;

    BUG_ON(n == 0);
    product = (rnd_u64(rnd) >> 32) * n;
    if ((uint32_t)product < n) {
        uint32_t floor = (0 - n) % n;

        while ((uint32_t)product < floor)
            product = (rnd_u64(rnd) >> 32) * n;
    }
    return (uint32_t)(product >> 32);
}

double rnd_double(struct rnd *rnd)
{
    return (double)(rnd_u64(rnd) >> 11) * 0x1p-53;
}

void hash_key_init(struct hash_key *key)
{
    from_kernel(key, sizeof *key);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

static uint64_t load_le(const char *p, size_t len)
{
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return word;
}

uint64_t hash_keyed(const struct hash_key *key, struct str s)
{
    uint64_t v[4] = {
        key->k0 ^ UINT64_C(0x736f6d6570736575),
        key->k1 ^ UINT64_C(0x646f72616e646f6d),
        key->k0 ^ UINT64_C(0x6c7967656e657261),
        key->k1 ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = s.len & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8)
        sip_word(v, load_le(s.p + i, 8));
    sip_word(v, load_le(s.p + whole, s.len - whole) | (uint64_t)s.len << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
