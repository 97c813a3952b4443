/* verify.c: the whole heap, checked (make paranoid; or called by hand in a debugger).
 *
 * Holds, at each phase change, with the world stopped:
 *         1. the entries of the pages of a span in use name it, its class, its kind, and their place in it;
 *            a span is what span_check says.
 *         2. no page waits to be scanned; PAGE_SPECIALS is set where there are specials.
 *         3. specials are in the order of slots, and on objects.
 *         4. when marking is over, slots of spans that are scanned span by span are marked if and only if
 *            they were scanned.
 *         5. spans in pointer-free arenas, and no others, are OBJ_NOSCAN.
 * Locks   none.
 */
#include "gc/scan.h"

#include "base/check.h"

static void check_entry(const struct arena *a, uintptr_t at, uint64_t e)
{
    const struct span *s = pe_span(e);
    size_t page = (at - s->base) / PAGE_BYTES;
    CHECK(at >= s->base && page < s->npages);                    /* 1 */
    CHECK(pe_class(e) == s->class && pe_kind(e) == s->kind);     /* 1 */
    CHECK(pe_page(e) == (s->class == 0 && page > 1 ? 1 : page)); /* 1 */
    CHECK(a->noscan == (s->kind == OBJ_NOSCAN));                 /* 5 */
    CHECK(s->meta == meta_of(arena_of(s->base), s->base));       /* 1 */
}

static void check_scanned(const struct span *s)
{
    unsigned half = load_rlx(&mem_gc.half);
    if (s->kind == OBJ_NOSCAN || s->class < 2 || s->slot_bytes > BITS_MAX)
        return;
    for (unsigned i = 0; i < MARK_WORDS; i++)
        CHECK(load_rlx(&s->meta->mark[half][i]) == load_rlx(&s->meta->scan[i])); /* 4 */
}

static void check_page(struct arena *a, uintptr_t at)
{
    size_t page = (at >> PAGE_SHIFT) % ARENA_PAGES;
    uint64_t e = load_rlx(&a->page[page]);
    uint32_t state = load_rlx(&a->state[page]);
    CHECK((state & PAGE_QUEUED) == 0); /* 2 */
    if (!pe_in_use(e)) {
        CHECK(state == 0); /* 2 */
        return;
    }
    check_entry(a, at, e);
    struct span *s = pe_span(e);
    if (s->base != at) {
        CHECK(state == 0); /* 2 */
        return;
    }
    span_check(s);
    specials_check(s); /* 2, 3 */
    if (load_rlx(&gc.phase) == GC_TERM)
        check_scanned(s);
}

static void check_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    (void)arg;
    for (uintptr_t at = lo; at < hi; at += PAGE_BYTES)
        check_page(a, at);
}

void gc_verify(void)
{
    arena_each(check_arena, NULL);
    pages_check();
}
