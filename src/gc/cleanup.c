/* cleanup.c: functions that run when an object is gone.
 *
 * Owns    gort_cleanup: the number of a cleanup, and its object's address with all bits turned, so
 *         that it keeps nothing alive wherever the program puts it.
 * Holds   1. No two cleanups have one number.
 * Locks   none; the specials' inside.
 */
#include "gc/gc_int.h"
#include "gc/up.h"

#include <gort/final.h>

#include "conf/conf.h"

static au64 last_id;

/* What is wrong with the arguments, or NULL. *o is left alone where there is no object: one that never
 * dies. Outside of the runtime: the loader is asked. */
static const char *check_arguments(void *obj, void *arg, struct object *o)
{
    if (obj == NULL)
        return "runtime.AddCleanup: ptr is nil";
    if (obj == arg)
        return "runtime.AddCleanup: ptr is equal to arg, cleanup will never run";
    struct m *m = m_enter();
    bool found = arena_find_object((uintptr_t)obj, o);
    m_leave(m);
    if (!found)
        return final_lives_for_ever(obj) ? NULL : "runtime.AddCleanup: ptr not in allocated block";
    bool shares = o->span->kind == OBJ_NOSCAN && o->bytes == TINY_BYTES; /* perhaps with arg */
    if (!shares && (uintptr_t)arg - o->base < o->bytes)
        return "runtime.AddCleanup: ptr is equal to arg, cleanup will never run";
    return NULL;
}

gort_cleanup gort_add_cleanup(void *obj, void (*fn)(void *), void *arg)
{
    struct object o = {0};
    if (knobs.sbrk != 0)
        return (gort_cleanup){0, 0};
    const char *wrong = check_arguments(obj, arg, &o);
    if (wrong != NULL)
        panic_string(wrong);
    if (o.span == NULL)
        return (gort_cleanup){0, 0};
    uint64_t id = add_rlx(&last_id, (uint64_t)1) + 1;
    struct m *m = m_enter();
    final_start();
    special_add(&o, SPECIAL_CLEANUP, (void *)(uintptr_t)fn, arg, id);
    m_leave(m);
    return (gort_cleanup){id, ~(uintptr_t)obj};
}

void gort_cleanup_stop(gort_cleanup c)
{
    struct object o;
    if (c.id_ == 0)
        return;
    struct m *m = m_enter();
    struct span *s = arena_span(~c.hidden_);
    if (s != NULL)
        mem_sweep_span(s); /* the object may be dead, and its slot another's */
    if (arena_find_object(~c.hidden_, &o))
        special_remove(&o, SPECIAL_CLEANUP, c.id_, NULL);
    m_leave(m);
}
