/* sync.h: what goroutines wait for each other with.
 *
 * The public types are in gort/sync.h; their words are plain integers there, for C++, and are
 * looked at as atomics here by sync_u32 and its like.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "base/atomic.h"
#include "base/attr.h"
#include "os/os.h"
#include "sched/sched.h"

#include <gort/sync.h>

static inline au32 *sync_u32(uint32_t *word)
{
    return (au32 *)(void *)word;
}
static inline ai32 *sync_i32(int32_t *word)
{
    return (ai32 *)(void *)word;
}
static inline au64 *sync_u64(uint64_t *word)
{
    return (au64 *)(void *)word;
}

/* ---- sema.c: waiting on the address of a counter. Called outside the runtime. */
enum sema_order { SEMA_FIFO, SEMA_LIFO };
enum sema_release { SEMA_WAKE, SEMA_HANDOFF };
/* Who was woken and had been asked for how long it waits: PROBE_MUTEX was on when it began to. */
struct sema_woken {
    uint32_t n;
    int64_t cycles; /* altogether */
};
/* Takes 1 from *word, which waits until it is positive. SEMA_LIFO: waits at the head of the
 * queue. True if the goroutine parked. */
PARKS bool sema_acquire(uint32_t *word, enum sema_order order, enum wait_reason why);
bool sema_tryacquire(uint32_t *word);
/* Adds 1 to *word and wakes the first who waits. SEMA_HANDOFF: that one gets it for certain and
 * runs at once in the caller's place. */
PARKS struct sema_woken sema_release(uint32_t *word, enum sema_release how);
/* Adds n and wakes up to n. */
struct sema_woken sema_release_many(uint32_t *word, uint32_t n);
/* The lock that goes with an address, of rank sema; shared by many addresses. */
struct lock *sema_lock_of(const void *addr);
/* How many goroutines wait on this address; for tests. */
uint32_t sema_waiters(const uint32_t *word);
void sema_check(void);

/* ---- pool.c */
/* What is in the pools becomes second choice, and what was second choice is forgotten. */
STW void pool_rotate(void);

#endif
