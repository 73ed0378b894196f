/*
 * Randomness: a generator per thread, seeded from the kernel (xoshiro256**, Blackman and Vigna 2018), and a
 * keyed hash (SipHash-2-4, Aumasson and Bernstein 2012) for tables that clients can fill and for sticky
 * assignment. Neither is for keys of cryptography: those come from OpenSSL.
 */
#ifndef BASE_RND_H
#define BASE_RND_H

#include "base/str.h"

#include <stdint.h>

struct rnd {
    uint64_t s[4];
};

/* Seeds from getrandom(2); a kernel that cannot give 32 bytes is fatal. */
void rnd_init(struct rnd *rnd);
/* Seeds from a number, for tests and replays. */
void rnd_seed(struct rnd *rnd, uint64_t seed);
uint64_t rnd_u64(struct rnd *rnd);
/* Uniform in 0 to n - 1 without bias, n > 0 (Lemire 2019). */
uint32_t rnd_below(struct rnd *rnd, uint32_t n);
/* Uniform in [0, 1) with 53 bits. */
double rnd_double(struct rnd *rnd);

struct hash_key {
    uint64_t k0, k1;
};

/* 16 bytes from getrandom(2). */
void hash_key_init(struct hash_key *key);
/* SipHash-2-4 of `s` under `key`. Thread: any. */
uint64_t hash_keyed(const struct hash_key *key, struct str s);

#endif
