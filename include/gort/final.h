/* gort/final.h: objects that nothing reaches any more: finalizers, cleanups, weak pointers.
 *
 * Finalizers and cleanups run one after the other on a goroutine of the runtime's own, at some time
 * after a collection found their object unreachable; they may block, which holds up the others only.
 * At the program's end none runs. A panic in one ends the program, as in any goroutine.
 *
 * In C an object is also reachable while a copy of a pointer lies in some register or stack slot that
 * has not been used again: an object may live longer than the program's text suggests, never shorter
 * than gort_keep_alive (gort/go.h) says.
 *
 * Callers  of all functions: goroutines, and threads attached with gort_attach_thread.
 */
#ifndef GORT_FINAL_H
#define GORT_FINAL_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Has fn(obj) run once `obj` is unreachable; then `obj` is reachable again, without a finalizer, and
 * dies when it is found unreachable the next time, unless fn kept it. Go: runtime.SetFinalizer.
 *
 * What obj points to stays alive until fn has run. So of two objects with finalizers of which one
 * points to the other, the one that points runs first, the other in a later collection; and a cycle of
 * objects in which one has a finalizer is never freed. A pointer from obj to itself does not count.
 *
 * Waits    never; it may give way to other goroutines.
 * obj      the start of an object of the collected heap. Objects below 16 bytes without pointers share
 *          a block: there `obj` may lie inside it, and fn runs when the whole block is unreachable.
 *          Nothing happens for global data and for objects of 0 bytes, which never die.
 * fn       NULL takes a finalizer away; there need not be one.
 * Fails    by the fatal errors `runtime.SetFinalizer: ` and `first argument is nil`, `pointer not in
 *          allocated block` (the stack, malloc'ed memory), `pointer not at beginning of allocated
 *          block` or `finalizer already set`. With GODEBUG=sbrk=1 it does nothing.
 */
GORT_API void gort_set_finalizer(void *obj, void (*fn)(void *));

/* Says which cleanup gort_add_cleanup added, for gort_cleanup_stop. It keeps nothing alive. */
typedef struct {
    uint64_t id_; /* 0: none */
    uintptr_t hidden_;
} gort_cleanup;

/* Has fn(arg) run once the object at or around `obj` has become unreachable. Unlike a finalizer it
 * does not see the object, whose memory may be used again by then; so cycles are no obstacle, an
 * object may have several, and where there is a finalizer too, they run when the object is found
 * unreachable after that. Go: runtime.AddCleanup.
 *
 * Waits    never.
 * arg      kept alive until fn has run. Were obj reachable from it, fn would never run.
 * Returns  what to stop it by; {0} for global data and objects of 0 bytes, which never die.
 * Fails    by a panic with `runtime.AddCleanup: ` and `ptr is nil`, `ptr is equal to arg, cleanup will
 *          never run` (also where `arg` points into the same object) or `ptr not in allocated block`.
 *          With GODEBUG=sbrk=1 it does nothing.
 */
GORT_API gort_cleanup gort_add_cleanup(void *obj, void (*fn)(void *), void *arg);

/* Takes the cleanup away. Go: Cleanup.Stop.
 * Waits    never.
 * c        may be one that ran, that was stopped, or {0}: then nothing happens. The object should be
 *          reachable: otherwise the cleanup may be about to run already. */
GORT_API void gort_cleanup_stop(gort_cleanup c);

/* A weak pointer: leads to an object, but does not keep it. Lies in the collected heap. */
typedef struct gort_weak gort_weak;

/* The weak pointer to `p`. Go: weak.Make.
 *
 * Waits    never.
 * p        an address in an object, not only its start; outside of the collected heap whatever it
 *          points to is taken to live for ever. NULL gives NULL.
 * Returns  the same weak pointer for the same address of the same living object, others for other
 *          addresses, even in the same object: they compare as the pointers do. Outside of the heap
 *          each call returns another.
 */
GORT_API gort_weak *gort_weak_make(void *p);

/* The pointer that `w` was made from, while its object lives. Go: weak.Pointer.Value.
 *
 * Waits    as a rule never. Where marking works on a snapshot, an object that has not been found alive
 *          yet is waited for until marking ends.
 * w        NULL gives NULL.
 * Returns  NULL as soon as a collection has found the object unreachable: before its finalizer is
 *          queued, and for ever, even if the finalizer makes it reachable again.
 */
GORT_API void *gort_weak_value(gort_weak *w);

GORT_END_DECLS

#endif
