/* rand.h: a small fast generator (xorshift64*); the state belongs to whoever holds the P. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdint.h>

static inline uint32_t rand_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (uint32_t)((x * 0x2545F4914F6CDD1DULL) >> 32);
}

/* A number in [0, n), n > 0; the bias of n / 2^32 does not matter to its callers. */
static inline uint32_t rand_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(((uint64_t)rand_next(state) * n) >> 32);
}

#endif
