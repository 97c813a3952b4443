/* gort/sync.h: mutexes, wait groups, conditions, once, semaphores and pools: Go's package sync.
 *
 * The zero value of each type is ready for use: `static gort_mutex m;`, `gort_mutex m = {0};`, or a
 * field of a zeroed struct. None needs to be destroyed. They must not be copied or moved after
 * their first use. Members whose names end in an underscore are private.
 *
 * What waits is the goroutine, never its thread. All functions may be called by any goroutine, and
 * none from a signal handler. They belong to no goroutine: one may lock a mutex and another unlock
 * it.
 *
 * A mutex, a semaphore or a wait group may be freed as soon as nobody will call a function for it
 * any more, even if another goroutine's gort_mutex_unlock, gort_sema_release or
 * gort_waitgroup_done that let us get here has not returned yet.
 */
#ifndef GORT_SYNC_H
#define GORT_SYNC_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Keeps a call before it from becoming a jump, so that profiles find the function that made it. */
#define GORT_KEEP_FRAME_ __asm__ volatile("")

/* ---- mutex: sync.Mutex */

typedef struct gort_mutex {
    uint32_t state_, sema_;
} gort_mutex;

/* The way of those who find it taken; gort_mutex_lock and gort_mutex_unlock call them. */
GORT_API void gort_mutex_lock_slow(gort_mutex *m);
GORT_API void gort_mutex_unlock_slow(gort_mutex *m);

/* Locks `m`: Mutex.Lock.
 *
 * Waits    until nobody holds it. In turn, but who comes while the mutex is free may be first,
 *          until somebody has waited for 1 ms: from then on it is handed from one to the next.
 * Fails    never. If nothing else can run, the program dies of deadlock; so does a goroutine that
 *          locks what it holds.
 */
static inline void gort_mutex_lock(gort_mutex *m)
{
    uint32_t unlocked = 0;
    if (__builtin_expect(!__atomic_compare_exchange_n(&m->state_, &unlocked, 1u, false,
                                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
                         0))
        gort_mutex_lock_slow(m);
    GORT_KEEP_FRAME_;
}

/* Unlocks `m`: Mutex.Unlock.
 *
 * Waits    never; may give way to a goroutine that has waited for long.
 * Fails    the program dies of `sync: unlock of unlocked mutex`.
 */
static inline void gort_mutex_unlock(gort_mutex *m)
{
    uint32_t alone = 1;
    if (__builtin_expect(!__atomic_compare_exchange_n(&m->state_, &alone, 0u, false,
                                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED),
                         0))
        gort_mutex_unlock_slow(m);
    GORT_KEEP_FRAME_;
}

/* Locks `m` if that is possible at once: Mutex.TryLock.
 *
 * Waits    never.
 * Returns  true if it is locked now; false if somebody holds it or has waited for it too long.
 */
GORT_API bool gort_mutex_trylock(gort_mutex *m);

/* ---- reader/writer mutex: sync.RWMutex */

typedef struct gort_rwmutex {
    gort_mutex writers_; /* one writer at a time */
    uint32_t writer_sema_, reader_sema_;
    int32_t readers_;   /* less a large number while a writer holds or wants it */
    int32_t departing_; /* readers that the next writer waits for */
} gort_rwmutex;

/* A race detector sees atomic additions order readers among each other, which they do not promise: in a
 * program compiled for it they order nothing, and it is told what does. */
#if defined(__SANITIZE_THREAD__)
#define GORT_RACE_ 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GORT_RACE_ 1
#endif
#endif
#if defined(GORT_RACE_)
void __tsan_acquire(void *at);
void __tsan_release(void *at);
#define GORT_ACQUIRE_          __ATOMIC_RELAXED
#define GORT_RELEASE_          __ATOMIC_RELAXED
#define GORT_TELL_ACQUIRE_(at) __tsan_acquire(at)
#define GORT_TELL_RELEASE_(at) __tsan_release(at)
#else
#define GORT_ACQUIRE_          __ATOMIC_ACQUIRE
#define GORT_RELEASE_          __ATOMIC_RELEASE
#define GORT_TELL_ACQUIRE_(at) ((void)0)
#define GORT_TELL_RELEASE_(at) ((void)0)
#endif

GORT_API void gort_rwmutex_rlock_slow(gort_rwmutex *m);
GORT_API void gort_rwmutex_runlock_slow(gort_rwmutex *m, int32_t readers);

/* Locks `m` for reading: RWMutex.RLock.
 *
 * Waits    while a writer holds it, or was there first. So who reads must not lock again for
 *          reading: a writer that came in between would wait for the first, and the second for the
 *          writer.
 */
static inline void gort_rwmutex_rlock(gort_rwmutex *m)
{
    if (__builtin_expect(__atomic_add_fetch(&m->readers_, 1, GORT_ACQUIRE_) < 0, 0))
        gort_rwmutex_rlock_slow(m);
    GORT_TELL_ACQUIRE_(&m->reader_sema_);
    GORT_KEEP_FRAME_;
}

/* Undoes one gort_rwmutex_rlock: RWMutex.RUnlock.
 *
 * Fails    the program dies of `sync: RUnlock of unlocked RWMutex`.
 */
static inline void gort_rwmutex_runlock(gort_rwmutex *m)
{
    GORT_TELL_RELEASE_(&m->writer_sema_);
    int32_t readers = __atomic_sub_fetch(&m->readers_, 1, GORT_RELEASE_);
    if (__builtin_expect(readers < 0, 0))
        gort_rwmutex_runlock_slow(m, readers);
    GORT_KEEP_FRAME_;
}

/* Locks `m` for writing: RWMutex.Lock.
 *
 * Waits    until nobody else holds it; readers that come meanwhile wait for us.
 */
GORT_API void gort_rwmutex_lock(gort_rwmutex *m);

/* Undoes gort_rwmutex_lock: RWMutex.Unlock. The readers that waited run first. `m` must stay in
 * place until the call has returned.
 *
 * Fails    the program dies of `sync: Unlock of unlocked RWMutex`.
 */
GORT_API void gort_rwmutex_unlock(gort_rwmutex *m);

/* As the functions without `try` if that is possible at once: RWMutex.TryRLock and TryLock.
 *
 * Waits    never.
 * Returns  true if it is locked now.
 */
GORT_API bool gort_rwmutex_tryrlock(gort_rwmutex *m);
GORT_API bool gort_rwmutex_trylock(gort_rwmutex *m);

/* ---- wait group: sync.WaitGroup */

typedef struct gort_waitgroup {
    uint64_t state_ __attribute__((aligned(8)));
    uint32_t sema_;
} gort_waitgroup;

/* Adds `n`, which may be negative, to the number of things to wait for: WaitGroup.Add. At zero, who
 * waits goes on. What counts up from zero must happen before the wait that it is for.
 *
 * Fails    panics with `sync: negative WaitGroup counter`, or with `sync: WaitGroup misuse: Add
 *          called concurrently with Wait`.
 */
GORT_API void gort_waitgroup_add(gort_waitgroup *wg, int n);

/* One is done: WaitGroup.Done, gort_waitgroup_add(wg, -1). */
GORT_API void gort_waitgroup_done(gort_waitgroup *wg);

/* Waits until the number is zero: WaitGroup.Wait.
 *
 * Waits    in the state `semacquire`. What happened before each gort_waitgroup_done is visible on
 *          return.
 * Fails    panics with `sync: WaitGroup is reused before previous Wait has returned`.
 */
GORT_API void gort_waitgroup_wait(gort_waitgroup *wg);

/* ---- once: sync.Once */

typedef struct gort_once {
    uint32_t done_;
    gort_mutex mutex_;
} gort_once;

GORT_API void gort_once_do_slow(gort_once *o, void (*fn)(void *arg), void *arg);

/* Calls fn(arg) if this is the first call for `o`: Once.Do.
 *
 * Waits    until the first call's fn has returned; a call from within fn deadlocks.
 * Fails    a fn that panics, or ends its goroutine, is done all the same and is not called again;
 *          its panic goes on through the first caller.
 */
static inline void gort_once_do(gort_once *o, void (*fn)(void *arg), void *arg)
{
    if (__builtin_expect(__atomic_load_n(&o->done_, __ATOMIC_ACQUIRE) == 0, 0))
        gort_once_do_slow(o, fn, arg);
}

/* ---- condition: sync.Cond */

typedef struct gort_cond {
    uint32_t waits_, wakes_;
    void *first_, *last_;
} gort_cond;

/* Unlocks `m`, waits to be woken, and locks `m` again: Cond.Wait. Others may have been quicker, so
 * the caller looks again, in a loop, whether what it waits for has come.
 *
 * Waits    until gort_cond_signal picks it, the longest-waiting first, or gort_cond_broadcast.
 * m        held by the caller.
 */
GORT_API void gort_cond_wait(gort_cond *c, gort_mutex *m);

/* Wakes one goroutine that waits on `c`, if any: Cond.Signal. The mutex may be held, or not. */
GORT_API void gort_cond_signal(gort_cond *c);

/* Wakes all goroutines that wait on `c`: Cond.Broadcast. */
GORT_API void gort_cond_broadcast(gort_cond *c);

/* ---- semaphore: a count of permits */

typedef struct gort_sema {
    uint32_t permits_;
} gort_sema;

/* A semaphore with n permits; the zero value has none. `gort_sema s = GORT_SEMA_INIT(3);` */
#define GORT_SEMA_INIT(n)                                                                          \
    {                                                                                              \
        (n)                                                                                        \
    }

/* Takes a permit.
 *
 * Waits    until there is one, in the state `semacquire`; in turn, but who comes while there is
 *          one may be first.
 */
GORT_API void gort_sema_acquire(gort_sema *s);

/* Takes a permit if there is one. Returns true if so. */
GORT_API bool gort_sema_tryacquire(gort_sema *s);

/* Gives a permit back, or a new one, and wakes who waited longest. */
GORT_API void gort_sema_release(gort_sema *s);

/* ---- pool: sync.Pool */

/* `static gort_pool buffers = {.make = new_buffer};`. It must lie where the collector looks: in
 * global data, on a stack, in the collected heap, or in memory named by gort_add_roots. */
typedef struct gort_pool {
    void *(*make)(void); /* makes an item where there is none; may be NULL. Pool.New */
    void *state_;
} gort_pool;

/* Takes an item out of the pool, any one: Pool.Get.
 *
 * Waits    never, unless p->make does.
 * Returns  an item that was put there; where there is none, what p->make returns, or NULL.
 */
GORT_API void *gort_pool_get(gort_pool *p);

/* Puts an item into the pool for somebody else: Pool.Put. The pool may forget it at any time.
 *
 * Waits    never.
 * item     not used by the caller any more; NULL is ignored.
 */
GORT_API void gort_pool_put(gort_pool *p, void *item);

GORT_END_DECLS

#endif
