// Random numbers: xoshiro256++ (Blackman & Vigna 2021), seeded by splitmix64.
// The state is always passed in; nothing in the program is random by itself.
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <math.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

static inline uint64_t rng_splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline struct rng rng_seed(uint64_t seed)
{
    struct rng r;
    for (int i = 0; i < 4; i++)
        r.s[i] = rng_splitmix(&seed);
    return r;
}

static inline uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s, sum = s[0] + s[3];
    uint64_t result = ((sum << 23) | (sum >> 41)) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

// Uniform in [0, 1).
static inline double rng_uniform(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

// Uniform integer in [0, n), n >= 1 (Lemire's multiply; the bias is below n / 2^64).
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
    return (uint64_t)(((__uint128_t)rng_u64(r) * n) >> 64);
}

// Standard normal (Box-Muller, one of the pair).
static inline double rng_normal(struct rng *r)
{
    double u = 1.0 - rng_uniform(r), v = rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

#endif
