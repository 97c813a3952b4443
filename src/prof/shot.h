/* shot.h: where all goroutines are at one instant. */
#ifndef PROF_SHOT_H
#define PROF_SHOT_H

#include "base/atomic.h"
#include "prof/prof_int.h"

struct g;
struct gc_leaks;

struct prof_shot {
    struct prof_stack *stacks; /* [n], the caller's own first; lives until prof_shot_drop */
    size_t n;
    size_t room, pcs_room; /* const */
    uintptr_t *pcs;        /* one stack behind the other */
    const struct g *self;
    /* atomic, of those who note: */
    au64 taken; /* more than `room`: something is missing */
    au64 pcs_taken;
};

/* All three: outside the runtime. 0, and prof_shot_drop is to follow, or -errno. */
PARKS int prof_shot_take(struct prof_shot *s);
/* Those that are leaked, as a search has just found; sets their g->leaked. The caller's own is not among them. */
PARKS int prof_shot_take_leaked(struct prof_shot *s, const struct gc_leaks *leaks);
/* prof_shot_take in two steps: the instant, and all that comes after it; false: goroutines are missing. One goroutine
 * calls both. */
PARKS int prof_shot_begin(struct prof_shot *s);
PARKS bool prof_shot_end(struct prof_shot *s);
void prof_shot_drop(struct prof_shot *s);

#endif
