/* once.c: doing something once.
 *
 * Owns    gort_once.
 * Order   done_ is set with release after the function has ended, and read with acquire by all who
 *         find it set: they see what the function did.
 */
#include "base/track.h"
#include "sync/sync.h"
#include "sync/up.h"

static void finish(void *arg)
{
    gort_once *o = arg;
    track_release(&o->done_);
    store_rel(sync_u32(&o->done_), 1u); /* pairs with gort_once_do */
    gort_mutex_unlock(&o->mutex_);
}

void gort_once_do_slow(gort_once *o, void (*fn)(void *arg), void *arg)
{
    gort_mutex_lock(&o->mutex_);
    if (load_rlx(sync_u32(&o->done_)) != 0) {
        gort_mutex_unlock(&o->mutex_);
        track_acquire(&o->done_);
        return;
    }
    GORT_SCOPE
    {
        gort_defer(finish, o); /* also when fn panics or ends the goroutine */
        fn(arg);
    }
}
