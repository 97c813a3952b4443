/* happens.c: what ThreadSanitizer is told of a channel.
 *
 * Owns    the happens-before edges of Go's memory model: a send before its receive, the k-th receive from
 *         a buffer of C before the end of the (k+C)-th send, a close before a receive that finds it.
 * Holds   1. A slot of the buffer carries what its last user had done; without a buffer, `count` carries
 *            what the two have done that meet. `closed` carries the close.
 *
 * A send also reads `closed` in the program's name, and a close writes it: a send that might have found the
 * channel closed is a race.
 *
 * Out of line, and only called in a program that was linked with the tool (base/track.h).
 */
#include "chan/chan.h"

#include "base/track.h"
#include "sched/sched.h"

COLD void chan_happens(struct gort_chan *c, const char *slot, struct g *waiter)
{
    if (c->cap == 0) {
        track_release_only(&c->count);
        g_track_pass(waiter, &c->count);
        track_acquire(&c->count);
        return;
    }
    track_acquire(slot);
    track_release_only(slot);
    if (waiter != NULL)
        g_track_pass(waiter, slot);
}

COLD void chan_sends(struct gort_chan *c, const void *elem, const void *pc)
{
    track_access(&c->closed, sizeof c->closed, pc, false);
    track_access(elem, c->elem_bytes, pc, false);
}
