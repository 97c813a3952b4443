/* blocked.h: how long a goroutine waited for others, for who samples that.
 *
 *     int64_t since = blocked_since();
 *     ... park ...
 *     blocked_until_now(since, NULL);
 *
 * With nobody asking, it is one test of a flag on the way to the park, and none on others.
 */
#ifndef SYNC_BLOCKED_H
#define SYNC_BLOCKED_H

#include "arch/arch.h"
#include "base/probe.h"
#include "sync/sync.h"
#include "sync/up.h"

static inline int64_t blocked_since(void)
{
    return probe_on(PROBE_BLOCK) ? (int64_t)arch_ticks() : 0;
}
/* `inlined_at`: see prof_blocked. */
static inline void blocked_until_now(int64_t since, const void *inlined_at)
{
    if (unlikely(since != 0))
        prof_blocked((int64_t)arch_ticks() - since, inlined_at);
}

/* An unlock woke somebody. */
static inline void contended(struct sema_woken w, const void *inlined_at)
{
    if (unlikely(w.n != 0))
        prof_contended(w.n, w.cycles, inlined_at);
}

#endif
