/* weak.c: pointers that do not keep what they lead to.
 *
 * Owns    struct gort_weak, the handle: a pointer-free object that hides the address, one for each
 *         address that weak pointers were made from. A special of the object knows it.
 * Holds   1. target is the address it was made with until the object is found unreachable, then 0 for
 *            ever: whoever sweeps the object's span clears it, before anything is queued.
 *         2. While target is not 0, the special keeps the handle alive (specials_mark), so that 1 never
 *            writes to a freed handle.
 * Locks   none; the specials' inside.
 * Order   weak_clear's store is followed by the end of the span's sweep, which mem_sweep_span waits
 *         for: after that, gort_weak_value's second load sees it.
 *
 * What gort_weak_value gives out must not be freed by a cycle that is under way. When nothing marks,
 * an object whose span is swept was found alive or born since. While a cycle marks beside the program,
 * the pointer lies on a stack that runs, which the last stop scans, so that not even a barrier is
 * needed: marking the object at once only leaves less work for that stop. While a child marks a
 * snapshot, an object may be unreachable there and yet be given out. To mark it in the last stop, with
 * what it then points to, would be too late: the program may have moved a pointer from it elsewhere,
 * into memory that counts as scanned. So whoever wants an object that the child has not found waits
 * until marking is over.
 *
 * Instead of a handle for each object with offsets beside it: addresses, not objects, are compared,
 * and an inner address may be asked for more often than the start.
 */
#include "gc/gc_int.h"

#include <gort/final.h>

struct gort_weak {
    /* atomic: */
    aptr target; /* 0 once it is unreachable */
    /* const: */
    bool immortal; /* outside of the collected heap */
};
_Static_assert(sizeof(struct gort_weak) >= TINY_BYTES, "a handle shares its block with nobody");

void weak_clear(void *handle)
{
    struct gort_weak *w = handle;
    store_rel(&w->target, NULL); /* pairs with gort_weak_value */
}

static gort_weak *handle_new(void *p, bool immortal)
{
    gort_weak *w = gc_alloc(sizeof *w, OBJ_NOSCAN);
    w->immortal = immortal;
    store_rel(&w->target, p); /* pairs with gort_weak_value */
    return w;
}

/* Somebody else may add one between our look and our attempt. */
static gort_weak *handle_of(void *p)
{
    struct object o;
    struct special found;
    if (!arena_find_object((uintptr_t)p, &o))
        return handle_new(p, true);
    uint64_t off = (uintptr_t)p - o.base;
    while (!special_find(&o, SPECIAL_WEAK, off, &found)) {
        gort_weak *w = handle_new(p, false);
        if (special_add(&o, SPECIAL_WEAK, w, NULL, off))
            return w;
    }
    return found.a;
}

gort_weak *gort_weak_make(void *p)
{
    if (p == NULL)
        return NULL;
    struct m *m = m_enter();
    gort_weak *w = handle_of(p);
    m_leave(m);
    return w;
}

enum verdict { WEAK_DEAD, WEAK_ALIVE, WEAK_UNKNOWN };

/* Marks the object, which nothing but a weak pointer may have led to. */
static void keep(uintptr_t p)
{
    struct marker *mk = marker_take();
    mark_word(mk, p);
    marker_put(mk);
}

/* No phase changes while we are inside. The span need not be the object's: that may be gone, and
 * another be in its place; then the handle is cleared already. */
static enum verdict judge(const gort_weak *w, void *p)
{
    struct object o;
    struct span *s = arena_span((uintptr_t)p);
    if (s != NULL)
        mem_sweep_span(s);
    if (load_acq(&w->target) == NULL) /* weak_clear */
        return WEAK_DEAD;
    if (load_acq(&gc.phase) != GC_MARK || !arena_find_object((uintptr_t)p, &o) || gc_is_marked(&o))
        return WEAK_ALIVE;
    if (!gc_marks_beside_program())
        return WEAK_UNKNOWN;
    keep((uintptr_t)p);
    return WEAK_ALIVE;
}

void *gort_weak_value(gort_weak *w)
{
    if (w == NULL)
        return NULL;
    void *p = load_acq(&w->target); /* handle_new, weak_clear */
    if (p == NULL || w->immortal)
        return p;
    struct m *m = m_enter();
    enum verdict v = judge(w, p);
    while (v == WEAK_UNKNOWN) {
        assist_await_mark_end();
        m = self();
        v = judge(w, p);
    }
    m_leave(m);
    return v == WEAK_ALIVE ? p : NULL;
}
