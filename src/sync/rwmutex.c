/* rwmutex.c: many readers or one writer.
 *
 * Owns    gort_rwmutex. A writer announces itself by subtracting WRITER from `readers_`: readers
 *         that come later see a negative number and wait; those that are inside are counted in
 *         `departing_`, and the last of them wakes the writer.
 * Holds   1. readers_ is the number of readers, inside or waiting, less WRITER while a writer
 *            holds the mutex or waits for it.
 *         2. Who changes readers_ by WRITER holds `writers_`.
 * Order   readers_ carries what was written under the lock: an unlock adds to it with release, a
 *         lock with acquire. With a writer on its way, departing_ and the semaphores do.
 *         ThreadSanitizer is told the same by the addresses of the two semaphores: reader_sema_
 *         carries what writers did, writer_sema_ what readers did (gort/sync.h does its part).
 * Instead of a fair queue of readers and writers: readers that waited during one writer all run
 *         before the next writer, so that neither side can starve the other.
 */
#include "sync/blocked.h"
#include "sync/sync.h"

#include "base/track.h"

enum { WRITER = 1 << 30 };

void gort_rwmutex_rlock_slow(gort_rwmutex *m)
{
    int64_t since = blocked_since();
    if (sema_acquire(&m->reader_sema_, SEMA_FIFO, WAIT_RWMUTEX_RLOCK))
        blocked_until_now(since, __builtin_return_address(0));
}

/* A writer waits for us, or nothing is locked at all: readers is what is left after us. */
void gort_rwmutex_runlock_slow(gort_rwmutex *m, int32_t readers)
{
    if (readers + 1 == 0 || readers + 1 == -WRITER)
        fatal("sync: RUnlock of unlocked RWMutex");
    if (sub_seq(sync_i32(&m->departing_), 1) == 1) /* the last that the writer waits for */
        contended(sema_release(&m->writer_sema_, SEMA_WAKE), __builtin_return_address(0));
}

void gort_rwmutex_lock(gort_rwmutex *m)
{
    gort_mutex_lock(&m->writers_);
    int32_t inside = sub_seq(sync_i32(&m->readers_), WRITER);
    /* Some of them may have left already, and made departing_ negative. */
    if (inside != 0 && add_seq(sync_i32(&m->departing_), inside) + inside != 0) {
        int64_t since = blocked_since();
        if (sema_acquire(&m->writer_sema_, SEMA_FIFO, WAIT_RWMUTEX_LOCK))
            blocked_until_now(since, NULL);
    }
    track_acquire(&m->reader_sema_);
    track_acquire(&m->writer_sema_);
}

void gort_rwmutex_unlock(gort_rwmutex *m)
{
    track_release(&m->reader_sema_);
    int32_t waiting = (int32_t)((uint32_t)add_seq(sync_i32(&m->readers_), WRITER) + WRITER);
    if (waiting < 0 || waiting >= WRITER)
        fatal("sync: Unlock of unlocked RWMutex");
    contended(sema_release_many(&m->reader_sema_, (uint32_t)waiting), NULL);
    gort_mutex_unlock(&m->writers_);
}

bool gort_rwmutex_tryrlock(gort_rwmutex *m)
{
    ai32 *readers = sync_i32(&m->readers_);
    for (;;) {
        int32_t n = load_rlx(readers);
        if (n < 0)
            return false;
        if (cas_acq(readers, n, n + 1)) { /* pairs with a writer's unlock */
            track_acquire(&m->reader_sema_);
            return true;
        }
    }
}

bool gort_rwmutex_trylock(gort_rwmutex *m)
{
    if (!gort_mutex_trylock(&m->writers_))
        return false;
    if (cas_acq(sync_i32(&m->readers_), 0, -WRITER)) { /* pairs with the readers' unlocks */
        track_acquire(&m->reader_sema_);
        track_acquire(&m->writer_sema_);
        return true;
    }
    gort_mutex_unlock(&m->writers_);
    return false;
}
