/* check.c: what the marker must never find, and what it must not have missed.
 *
 * Owns    the report of a bad pointer (GODEBUG=invalidptr=0 is silent), and the second marking of
 *         GODEBUG=gccheckmark=1.
 * Holds   1. a report names a word that an object holds now, and that leads to no span in use now: what
 *            the marker read may be an old word of a slot that is free.
 *         2. after gc_checkmark what was marked before or by it is marked.
 * Locks   none; gc_checkmark runs with the world stopped.
 */
#include "gc/scan.h"

#include "base/check.h"
#include "base/fmt.h"
#include "conf/conf.h"

enum { WORD = 8, SHOWN_FIRST = 128, SHOWN_AROUND = 16, NOWHERE = -1 };

/* ---- objects, printed */
static uintptr_t span_limit(const struct span *s)
{
    return s->base + s->nslots * s->slot_bytes;
}

LOOKS static uintptr_t word_at(uintptr_t at)
{
    return __atomic_load_n((const uintptr_t *)at, __ATOMIC_RELAXED);
}

LOOKS static void print_words(const char *label, uintptr_t obj, int64_t bytes, int64_t mark)
{
    bool skipped = false;
    for (int64_t i = 0; i < bytes; i += WORD) {
        bool near = i > mark - SHOWN_AROUND * WORD && i < mark + SHOWN_AROUND * WORD;
        if (i >= SHOWN_FIRST * WORD && !(near && mark >= 0)) {
            skipped = true;
            continue;
        }
        if (skipped)
            print(" ...\n");
        skipped = false;
        print(" *(%s+%d) = %x%s\n", label, i, (uint64_t)word_at(obj + (uintptr_t)i),
              i == mark ? " <==" : "");
    }
    if (skipped)
        print(" ...\n");
}

/* Go's gcDumpObject; `mark` is an offset in bytes, or NOWHERE. */
static void print_object(const char *label, uintptr_t obj, int64_t mark)
{
    uint64_t e = page_entry(obj);
    if (!pe_in_use(e)) {
        print("%s=%x s=nil\n", label, (uint64_t)obj);
        return;
    }
    const struct span *s = pe_span(e);
    unsigned go_class = s->class * 2u + (s->kind == OBJ_NOSCAN);
    print("%s=%x s.base()=%x s.limit=%x s.spanclass=%u s.elemsize=%u s.state=mSpanInUse\n", label,
          (uint64_t)obj, (uint64_t)s->base, (uint64_t)span_limit(s), (uint64_t)go_class,
          (uint64_t)s->slot_bytes);
    print_words(label, obj, (int64_t)s->slot_bytes, mark);
}

bool check_slot_at(uintptr_t addr, struct object *o)
{
    uint64_t e = page_entry(addr);
    if (!pe_in_use(e))
        return false;
    struct span *s = pe_span(e);
    uint32_t slot = s->class == 0 ? 0 : span_slot_of(s, addr);
    *o = (struct object){s->base + slot * s->slot_bytes, s->slot_bytes, s, slot};
    return slot < s->nslots;
}

/* ---- bad pointers */
/* The free run around an address: its ends are known by their entries. */
static void print_free_run(uintptr_t word)
{
    uintptr_t lo = word & ~(PAGE_BYTES - 1), hi = lo + PAGE_BYTES;
    for (uintptr_t at = lo; arena_of(at) != NULL; at -= PAGE_BYTES) {
        const struct span *s = arena_tag(at);
        if (s == NULL)
            continue;
        if (load_acq(&s->state) == SPAN_FREE &&
            s->base + s->npages * PAGE_BYTES > word) { /* run_put */
            lo = s->base;
            hi = lo + s->npages * PAGE_BYTES;
        }
        break;
    }
    print(" to unallocated span span.base()=%x span.limit=%x span.state=0\n", (uint64_t)lo,
          (uint64_t)hi);
}

static NORETURN void bad_pointer(uintptr_t word, const struct object *holder, uintptr_t where)
{
    uint64_t e = page_entry(word);
    print("runtime: pointer %x", (uint64_t)word);
    if (pe_in_use(e))
        print(" to unused region of span span.base()=%x span.limit=%x span.state=1\n",
              (uint64_t)pe_span(e)->base, (uint64_t)span_limit(pe_span(e)));
    else
        print_free_run(word);
    print("runtime: found in object at *(%x+%x)\n", (uint64_t)holder->base,
          (uint64_t)(where - holder->base));
    print_object("object", holder->base, (int64_t)(where - holder->base));
    throw("found bad pointer in Go heap (incorrect use of unsafe or cgo?)");
}

/* C allows a pointer to the end of an object, where nothing need be. */
static bool is_end(uintptr_t word)
{
    struct object o;
    return check_slot_at(word - 1, &o) && o.base + o.bytes == word;
}

void check_bad_pointer(uintptr_t word, uintptr_t where)
{
    enum { LOOKS_TWICE = 100 }; /* a span may just be coming into use */
    struct object holder, target;
    if (knobs.invalidptr == 0 || !check_slot_at(where, &holder))
        return;
    cpu_relax(LOOKS_TWICE);
    if (!span_slot_taken(holder.span, holder.slot) || word_at(where) != word) /* 1 */
        return;
    if (!check_slot_at(word, &target) && !is_end(word))
        bad_pointer(word, &holder, where);
}

/* ---- the second marking */
enum { MARKS = 2 * MARK_WORDS };
struct kept {
    uint64_t mark[MARKS], scan[MARK_WORDS];
};
struct kept_arena {
    struct arena *a;
    struct kept *page; /* ARENA_PAGES of them */
};
struct kept_heap {
    struct kept_arena *arena;
    size_t n, at;
};

/* The marks of a page with which a span begins; NULL for others. */
static au64 *marks_at(struct arena *a, size_t page, unsigned *words)
{
    uint64_t e = load_rlx(&a->page[page]);
    if (!pe_in_use(e) || pe_span(e)->base != a->base + page * PAGE_BYTES)
        return NULL;
    *words = pe_class(e) == 1 ? MARKS : MARK_WORDS;
    return meta_marks(&a->meta[page], pe_class(e), load_rlx(&mem_gc.half));
}

static void *map_or_die(size_t bytes)
{
    void *p = os_map(bytes);
    if (p == NULL)
        throw("runtime: cannot allocate memory");
    return p;
}

static void count_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    struct kept_heap *h = arg;
    (void)a, (void)lo, (void)hi;
    h->n++;
}

static void keep_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    struct kept_heap *h = arg;
    struct kept_arena *k = &h->arena[h->at++];
    unsigned words;
    (void)lo;
    *k = (struct kept_arena){a, map_or_die(ARENA_PAGES * sizeof k->page[0])};
    for (size_t page = 0; page < (hi - a->base) / PAGE_BYTES; page++) {
        const au64 *marks = marks_at(a, page, &words);
        for (unsigned i = 0; marks != NULL && i < words; i++)
            k->page[page].mark[i] = load_rlx(&marks[i]);
        for (unsigned i = 0; marks != NULL && i < MARK_WORDS; i++)
            k->page[page].scan[i] = load_rlx(&a->meta[page].scan[i]);
    }
}

/* Who points to it? Words of marked objects of one span are compared. */
struct search {
    const struct object *wanted;
    uintptr_t base, where;
};

LOOKS static void search_object(struct search *f, const struct object *o)
{
    for (size_t w = 0; w < o->bytes / WORD; w += 64) {
        for (uint64_t bits = mark_pointer_bits(o, w); bits != 0; bits &= bits - 1) {
            uintptr_t where = o->base + (w + (unsigned)__builtin_ctzll(bits)) * WORD;
            if (word_at(where) - f->wanted->base < f->wanted->bytes) {
                f->base = o->base;
                f->where = where;
            }
        }
    }
}

static void search_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    struct search *f = arg;
    unsigned words;
    (void)lo;
    for (size_t page = 0; page < (hi - a->base) / PAGE_BYTES && !a->noscan && f->where == 0;
         page++) {
        const au64 *marks = marks_at(a, page, &words);
        if (marks == NULL)
            continue;
        struct span *s = pe_span(load_rlx(&a->page[page]));
        for (uint32_t slot = 0; slot < s->nslots; slot++) {
            struct object o = {s->base + slot * s->slot_bytes, s->slot_bytes, s, slot};
            if ((load_rlx(&marks[slot / 64]) >> slot % 64 & 1) != 0 && o.base != f->wanted->base)
                search_object(f, &o);
        }
    }
}

static void search_roots(struct search *f)
{
    struct marker *mk = marker_take();
    mk->wanted = f->wanted;
    mk->found = 0;
    roots_mark(mk, 0, 1, true);
    stacks_mark_all(mk, 0, 1);
    mk->wanted = NULL;
    f->base = f->where = mk->found;
    marker_put(mk);
}

static NORETURN void found_unmarked(const struct object *o)
{
    struct search f = {.wanted = o};
    arena_each(search_arena, &f);
    if (f.where == 0)
        search_roots(&f);
    print("runtime: checkmarks found unexpected unmarked object obj=%x\n", (uint64_t)o->base);
    print("runtime: found obj at *(%x+%x)\n", (uint64_t)f.base, (uint64_t)(f.where - f.base));
    print_object("base", f.base, (int64_t)(f.where - f.base));
    print_object("obj", o->base, NOWHERE);
    throw("checkmark found unmarked object");
}

/* Dies of the first object among `fresh`, marks of word i that were not there before. */
static void check_fresh(struct arena *a, size_t page, unsigned i, uint64_t fresh)
{
    struct span *s = pe_span(load_rlx(&a->page[page]));
    for (; fresh != 0; fresh &= fresh - 1) {
        uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(fresh);
        struct object o = {s->base + slot * s->slot_bytes, s->slot_bytes, s, slot};
        if (span_slot_taken(s, slot))
            found_unmarked(&o);
    }
}

static void compare_page(struct arena *a, size_t page, const struct kept *k)
{
    unsigned words;
    const au64 *marks = marks_at(a, page, &words);
    for (unsigned i = 0; marks != NULL && i < words; i++)
        check_fresh(a, page, i, load_rlx(&marks[i]) & ~k->mark[i]);
}

static void restore_page(struct arena *a, size_t page, const struct kept *k)
{
    unsigned words;
    au64 *marks = marks_at(a, page, &words);
    for (unsigned i = 0; marks != NULL && i < words; i++)
        store_rlx(&marks[i], load_rlx(&marks[i]) | k->mark[i]);
    for (unsigned i = 0; marks != NULL && i < MARK_WORDS; i++)
        store_rlx(&a->meta[page].scan[i], load_rlx(&a->meta[page].scan[i]) | k->scan[i]);
}

static void each_page(const struct kept_heap *h,
                      void (*fn)(struct arena *a, size_t page, const struct kept *k))
{
    for (size_t i = 0; i < h->n; i++)
        for (size_t page = 0; page < ARENA_PAGES; page++)
            fn(h->arena[i].a, page, &h->arena[i].page[page]);
}

static void mark_again(void)
{
    struct marker *mk = marker_take();
    roots_mark(mk, 0, 1, true);
    stacks_mark_all(mk, 0, 1);
    specials_mark(mk, 0, 1);
    final_mark(mk);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
}

static void put_aside(struct kept_heap *h)
{
    arena_each(count_arena, h);
    if (h->n != 0)
        h->arena = map_or_die(h->n * sizeof h->arena[0]);
    arena_each(keep_arena, h);
    gc_unmark_all();
}

static void put_back(struct kept_heap *h)
{
    each_page(h, restore_page);
    for (size_t i = 0; i < h->n; i++)
        os_unmap(h->arena[i].page, ARENA_PAGES * sizeof h->arena[i].page[0]);
    if (h->n != 0)
        os_unmap(h->arena, h->n * sizeof h->arena[0]);
}

void gc_checkmark(void)
{
    struct kept_heap h = {.arena = NULL};
    struct mark_counts counts;
    mark_counts(&counts);
    put_aside(&h);
    mark_again();
    CHECK(mark_quiet());
    each_page(&h, compare_page);
    put_back(&h);
    work_set_counts(&counts);
}

void gc_with_marks_aside(void (*fn)(void *arg), void *arg)
{
    struct kept_heap h = {.arena = NULL};
    struct mark_counts counts;
    mark_counts(&counts);
    put_aside(&h);
    fn(arg);
    CHECK(mark_quiet());
    put_back(&h);
    work_set_counts(&counts);
}
