/* The bits of a span: runs between survivors, marks, and what a sweep leaves. */
#include "mem/mem.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static uint64_t state = 88172645463325252;
static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void setup(void)
{
    mem_cache_new();
}

TestSuite(span, .init = setup);

static bool bit(const au64 *bits, size_t i)
{
    return (load_rlx(&bits[i / 64]) >> i % 64 & 1) != 0;
}
static void set_bit(au64 *bits, size_t i, bool on)
{
    uint64_t mask = (uint64_t)1 << i % 64;
    uint64_t old = load_rlx(&bits[i / 64]);
    store_rlx(&bits[i / 64], on ? old | mask : old & ~mask);
}

static au64 *marks(struct span *s, unsigned turned)
{
    return meta_marks(s->meta, s->class, load_rlx(&mem_gc.half) ^ turned);
}

/* Bits in pieces of random length, so that whole words come up too. */
static void random_bits(au64 *bits, uint32_t n)
{
    bool on = rnd() & 1;
    for (uint32_t i = 0; i < n; on = !on)
        for (uint64_t left = rnd() % (rnd() % 2 ? 4 : 150) + 1; left > 0 && i < n; left--)
            set_bit(bits, i++, on);
}

static size_t spans(void (*fn)(struct span *s))
{
    size_t n = 0;
    for (unsigned c = 1; c < CLASSES; c++) {
        for (int k = 0; k < OBJ_KINDS; k++) {
            if (c == 1 && k == OBJ_PRECISE)
                continue;
            struct span *s = pages_take(class_pages[c], c, k);
            cr_assert_not_null(s);
            fn(s);
            pages_put(s);
            n++;
        }
    }
    return n;
}

static void runs(struct span *s)
{
    uintptr_t lo, hi;
    for (int dirty = 0; dirty < 2; dirty++) {
        random_bits(marks(s, 0), s->nslots);
        store_rlx(&s->taken_bits, (void *)marks(s, 0));
        store_rlx(&s->free_index, 0u);
        s->needzero = dirty;
        memset((void *)s->base, dirty, s->npages * PAGE_BYTES);
        uint32_t at = 0;
        while (span_take_run(s, &lo, &hi)) {
            uint32_t first = span_slot_of(s, lo), end = (uint32_t)((hi - s->base) / s->slot_bytes);
            cr_assert(first < end && end <= s->nslots);
            for (; at < first; at++)
                cr_assert(bit(marks(s, 0), at), "a free slot was left out");
            for (; at < end; at++)
                cr_assert_not(bit(marks(s, 0), at), "a taken slot was handed out");
            cr_assert(dirty || end == s->nslots || bit(marks(s, 0), end), "a run ends early");
            for (char *p = (char *)lo; p < (char *)hi; p++)
                cr_assert_eq(*p, 0);
            cr_assert_eq(load_rlx(&s->free_index), end);
        }
        cr_assert_not(span_has_free(s));
        for (; at < s->nslots; at++)
            cr_assert(bit(marks(s, 0), at));
    }
}
Test(span, runs_are_what_lies_between_survivors)
{
    cr_expect_eq(spans(runs), 3u * (CLASSES - 1) - 1);
}

static bool has_ptrs(struct span *s)
{
    return s->kind == OBJ_PRECISE && s->slot_bytes <= BITS_MAX;
}

/* Slots that are objects, by the definition. */
static void fill(struct span *s, bool *object)
{
    random_bits(marks(s, 1), s->nslots);
    bool none = rnd() % 4 == 0;
    uint32_t index = (uint32_t)(rnd() % (s->nslots + 1));
    store_rlx(&s->taken_bits, none ? NULL : (void *)marks(s, 1));
    store_rlx(&s->free_index, index);
    for (uint32_t i = 0; i < s->nslots; i++)
        object[i] = i < index || (!none && bit(marks(s, 1), i));
    random_bits(marks(s, 0), s->nslots);
    if (s->kind != OBJ_NOSCAN && s->class != 1)
        random_bits(s->meta->scan, s->nslots);
}

static void note_all(struct span *s, const bool *object)
{
    for (uint32_t i = 0; i < s->nslots; i++) {
        if (s->kind == OBJ_PRECISE && !has_ptrs(s))
            store_rlx(&s->u.types[i], object[i] ? (void *)s : NULL);
        for (size_t w = 0; has_ptrs(s) && w < s->slot_bytes / 8; w++)
            set_bit(s->meta->ptr, i * s->slot_bytes / 8 + w, object[i]);
    }
}

static void expect_noted(struct span *s, uint32_t i, bool noted)
{
    if (s->kind == OBJ_PRECISE && !has_ptrs(s))
        cr_assert_eq(load_rlx(&s->u.types[i]) != NULL, noted);
    for (size_t w = 0; has_ptrs(s) && w < s->slot_bytes / 8; w++)
        cr_assert_eq(bit(s->meta->ptr, i * s->slot_bytes / 8 + w), noted);
}

static void turns(struct span *s)
{
    bool object[1024], marked[1024];
    for (int round = 0; round < 10; round++) {
        uint32_t alive = 0, dead = 0;
        fill(s, object);
        note_all(s, object);
        for (uint32_t i = 0; i < s->nslots; i++) {
            marked[i] = bit(marks(s, 0), i);
            alive += object[i] && marked[i];
            dead += object[i] && !marked[i];
            cr_assert_eq(span_dead(s, i / 64) >> i % 64 & 1, object[i] && !marked[i]);
        }
        s->needzero = false;
        struct span_left left = span_turn(s);
        cr_assert_eq(left.alive, alive);
        cr_assert_eq(left.freed, dead);
        cr_assert_eq(s->needzero, dead > 0);
        for (uint32_t i = 0; i < s->nslots; i++) {
            cr_assert_eq(span_slot_taken(s, i), object[i] && marked[i]);
            cr_assert_not(bit(marks(s, 1), i));
            expect_noted(s, i, object[i] && marked[i]);
        }
        span_check(s);
    }
}
Test(span, a_sweep_leaves_what_was_an_object_and_marked)
{
    spans(turns);
}

/* Another thread asks of a living object while its span is swept, as a finalizer may whose call was
 * queued by that sweep. A look meets one sweep at most: the world stops between two. */
static struct {
    struct span *s;
    au32 looks, stop, wrong;
} asked;

static void *ask(void *arg)
{
    while (load_acq(&asked.stop) == 0) {
        for (uint32_t slot = 0; slot < asked.s->nslots; slot++) {
            if (!span_slot_taken(asked.s, slot))
                add_seq(&asked.wrong, 1u);
            add_seq(&asked.looks, 1u);
        }
    }
    return arg;
}

static void sweep_while_asked(struct span *s)
{
    store_rlx(&mem_gc.half, load_rlx(&mem_gc.half) ^ 1);
    span_mark(s, 0, s->nslots);
    span_turn(s);
    uint32_t before = load_seq(&asked.looks);
    while (load_seq(&asked.looks) == before)
        os_thread_yield();
}

Test(span, an_object_is_one_while_its_span_is_swept)
{
    enum { SWEEPS = 2000 };
    pthread_t thread;
    struct span *s = asked.s = pages_take(class_pages[CLASS_TINY], CLASS_TINY, OBJ_CONSERVATIVE);
    store_rlx(&s->free_index, s->nslots);
    cr_assert_eq(pthread_create(&thread, NULL, ask, NULL), 0);
    for (int i = 0; i < SWEEPS; i++)
        sweep_while_asked(s);
    store_rel(&asked.stop, 1u);
    pthread_join(thread, NULL);
    cr_expect_eq(load_seq(&asked.wrong), 0u, "%u times", load_seq(&asked.wrong));
    pages_put(s);
}

static void mark_ranges(struct span *s)
{
    for (int i = 0; i < 20; i++) {
        uint32_t lo = (uint32_t)(rnd() % s->nslots);
        uint32_t hi = lo + 1 + (uint32_t)(rnd() % (s->nslots - lo));
        span_mark(s, lo, hi);
        for (uint32_t k = 0; k < s->nslots; k++) {
            cr_assert_eq(bit(marks(s, 0), k), k >= lo && k < hi);
            if (s->kind != OBJ_NOSCAN && s->class != 1)
                cr_assert_eq(bit(s->meta->scan, k), k >= lo && k < hi);
            cr_assert_not(bit(marks(s, 1), k));
        }
        span_fini(s); /* clears them */
        span_init(s, s->class, s->kind);
    }
}
Test(span, marking_a_run_marks_just_that)
{
    spans(mark_ranges);
}

static void all_clear(struct span *s)
{
    random_bits(marks(s, 0), s->nslots);
    random_bits(marks(s, 1), s->nslots);
    if (s->kind != OBJ_NOSCAN && s->class != 1)
        random_bits(s->meta->scan, s->nslots);
    if (has_ptrs(s))
        random_bits(s->meta->ptr, PAGE_BYTES / 8);
    struct page_meta *meta = s->meta, clear = {0};
    span_fini(s);
    cr_assert_eq(memcmp(meta, &clear, sizeof clear), 0);
    span_init(s, s->class, s->kind);
}
Test(span, nothing_is_left_beside_pages_that_go)
{
    spans(all_clear);
}
