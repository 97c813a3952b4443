/* check_test.c: bad pointers are reported as Go does, and a lost object is found. */
#include "gc/scan.h"

#include "base/check.h"
#include "base/track.h"
#include "support.h"

#include <criterion/criterion.h>
#include <gort.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

typedef struct knot {
    void *a;
    uintptr_t number;
    void *b;
} knot;
GORT_TYPE(knot, a, b)

static void expect_death(void (*fn)(void), const char *const *texts)
{
    char *out;
    int status;
    setenv("GOGC", "off", 1);
    run_forked(fn, &out, &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %#x\n%s", (unsigned)status,
              out);
    for (; *texts != NULL; texts++)
        cr_expect_not_null(strstr(out, *texts), "%s\nnot in\n%s", *texts, out);
    free(out);
}

static struct object find(const void *p)
{
    struct object o = {0};
    cr_expect(arena_find_object((uintptr_t)p, &o));
    return o;
}

static struct marker *begin(void)
{
    m_enter();
    mem_cache_flush_all();
    if (load_rlx(&mem_gc.marking) == 0)
        mem_mark_start();
    gc_unmark_all();
    return marker_take();
}

static void mark_from(const void *p)
{
    struct marker *mk = begin();
    mark_word(mk, (uintptr_t)p);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    m_leave(self());
}

static void *hidden_end(size_t bytes) /* the end of an object, and of its pages */
{
    char *p = gort_alloc(bytes);
    return p + find(p).span->npages * PAGE_BYTES - 8;
}

/* ---- bad pointers */
static void to_unused_region(void)
{
    knot *n = gort_new(knot);
    n->b = hidden_end(48); /* behind the last slot of 48 bytes */
    mark_from(n);
}
static void run_to_unused_region(void)
{
    in_gort(to_unused_region);
}
Test(check, a_pointer_behind_the_slots_of_a_span_is_bad)
{
    static const char *const texts[] = {
        "runtime: pointer 0x",
        " to unused region of span span.base()=0x",
        " span.state=1\n",
        "runtime: found in object at *(0x",
        "+0x10)\nobject=0x",
        " s.spanclass=6 s.elemsize=24 ",
        "s.state=mSpanInUse\n *(object+0) = 0x0\n *(object+8) = 0x0\n *(object+16) = 0x",
        " <==\nfatal error: found bad pointer in Go heap (incorrect use of unsafe or cgo?)\n",
        NULL};
    expect_death(run_to_unused_region, texts);
}

static void to_unallocated(void)
{
    knot *n = gort_new(knot), *last = gort_new(knot);
    uintptr_t free_page = find(last).span->base;
    while (pe_in_use(page_entry(free_page)))
        free_page += PAGE_BYTES;
    n->a = (void *)(free_page + 100);
    struct marker *mk = begin();
    mk->len += ARENA_BYTES;
    mark_word(mk, (uintptr_t)n);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    m_leave(self());
}
static void run_to_unallocated(void)
{
    in_gort(to_unallocated);
}
Test(check, a_pointer_to_free_pages_is_bad)
{
    static const char *const texts[] = {
        " to unallocated span span.base()=0x", " span.state=0\n", "+0x0)\nobject=0x",
        "fatal error: found bad pointer in Go heap (incorrect use of unsafe or cgo?)\n", NULL};
    expect_death(run_to_unallocated, texts);
}

static void number_only(void)
{
    knot *n = gort_new(knot);
    n->number = (uintptr_t)hidden_end(48);
    mark_from(n);
    void **any = gort_alloc(64);
    *any = hidden_end(48);
    mark_from(any);
    n->a = &n; /* a stack */
    n->b = (void *)8;
    mark_from(n);
    struct span *s = find(gort_alloc(48)).span;
    n->a = (void *)(s->base + s->nslots * s->slot_bytes); /* the end of an object */
    mark_from(n);
}
Test(check, numbers_and_words_of_unknown_type_are_never_bad)
{
    setenv("GOGC", "off", 1);
    cr_expect_eq(in_gort(number_only), 0);
}

static void accepted(void)
{
    knot *n = gort_new(knot);
    n->b = hidden_end(48);
    mark_from(n);
}
Test(check, invalidptr_0_accepts_bad_pointers)
{
    setenv("GOGC", "off", 1);
    setenv("GODEBUG", "invalidptr=0", 1);
    cr_expect_eq(in_gort(accepted), 0);
}

static void stale(void)
{
    knot *n = gort_new(knot), *next = n + 1; /* not handed out yet */
    struct object o = find(n);
    n->b = hidden_end(48);
    check_bad_pointer((uintptr_t)n->b ^ 8, (uintptr_t)&n->b); /* the word is another by now */
    struct object none;
    if (!arena_find_object((uintptr_t)next, &none)) {
        track_raw((uintptr_t)next, sizeof *next);
        next->b = n->b;
        check_bad_pointer((uintptr_t)next->b, (uintptr_t)&next->b); /* a free slot */
        next->b = NULL;
        track_dead((uintptr_t)next, sizeof *next);
    }
    (void)o;
}
Test(check, old_words_are_not_reported)
{
    setenv("GOGC", "off", 1);
    cr_expect_eq(in_gort(stale), 0);
}

/* ---- the second marking */
static knot *global;

static void lost(void)
{
    global = gort_new(knot);
    global->b = gort_new(knot);
    roots_list();
    m_enter();
    world_stop(WAIT_STOPPING);
    mem_cache_flush_all();
    mem_mark_start();
    mark_reset();
    struct object o = find(global);
    gc_revive(&o); /* marked, but not what it points to */
    gc_checkmark();
}
static void run_lost(void)
{
    in_gort(lost);
}
Test(check, a_second_marking_finds_what_the_first_missed)
{
    static const char *const texts[] = {
        "runtime: checkmarks found unexpected unmarked object obj=0x",
        "runtime: found obj at *(0x",
        "base=0x",
        " <==\n",
        "obj=0x",
        "fatal error: checkmark found unmarked object\n",
        NULL};
    expect_death(run_lost, texts);
}

static void nothing_lost(void)
{
    global = gort_new(knot);
    knot *dead = gort_new(knot), **hide = gort_alloc_noscan(64);
    global->b = gort_new_array(knot, (size_t)10000);
    *hide = dead;
    roots_list();
    m_enter();
    world_stop(WAIT_STOPPING);
    mem_cache_flush_all();
    mem_mark_start();
    mark_reset();
    struct marker *mk = marker_take();
    roots_mark(mk, 0, 1, true);
    stacks_mark_all(mk, 0, 1);
    specials_mark(mk, 0, 1);
    final_mark(mk);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    struct mark_counts before, after;
    mark_counts(&before);
    struct object o = find(global);
    gc_revive(&o);
    gc_checkmark();
    cr_expect(gc_is_marked(&o));
    mark_counts(&after);
    cr_expect_eq(memcmp(&before, &after, sizeof before), 0);
    gc_verify();
    mem_mark_end();
    world_start();
    m_leave(self());
}
Test(check, a_second_marking_agrees_with_the_first)
{
    setenv("GOGC", "off", 1);
    cr_expect_eq(in_gort(nothing_lost), 0);
}

/* ---- the whole heap */
static struct span *damaged;

static void verify_with(void (*damage)(void))
{
    static knot *keep;
    keep = gort_new(knot);
    damaged = find(keep).span;
    mark_from(keep);
    gc_verify();
    damage();
    gc_verify();
}

static void leave_queued(void)
{
    struct arena *a = arena_of(damaged->base);
    store_rlx(&a->state[(damaged->base >> PAGE_SHIFT) % ARENA_PAGES], (uint32_t)PAGE_QUEUED);
}
static void verify_queued(void)
{
    verify_with(leave_queued);
}
static void run_verify_queued(void)
{
    in_gort(verify_queued);
}

static void mark_behind(void)
{
    store_rlx(&damaged->meta->mark[0][damaged->nslots / 64], (uint64_t)1 << 63);
}
static void verify_marks(void)
{
    verify_with(mark_behind);
}
static void run_verify_marks(void)
{
    in_gort(verify_marks);
}

Test(check, damage_to_the_heap_is_found)
{
    static const char *const texts[] = {"runtime: check failed: ", NULL};
    expect_death(run_verify_queued, texts);
    expect_death(run_verify_marks, texts);
}
