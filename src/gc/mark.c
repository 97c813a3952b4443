/* mark.c: from words to objects, and from objects to words.
 *
 * Owns    the marks being set (page_meta.mark, of the half mem_gc.half), page_meta.scan, and
 *         PAGE_QUEUED.
 * Holds   1. a marked slot of a span that is scanned span by span has been scanned (its bit in
 *            `scan` is set), or a registered marker is at it, or the span is queued (work.c, 4).
 *         2. any other marked object with pointers was queued by whoever set its mark.
 *         3. a slot's mark is set before its words are read: what is written to it later is found
 *            by mark_written, which looks at marked slots.
 * Locks   none.
 * Order   who marks sets the mark, then looks for PAGE_QUEUED; who visits the span clears
 *         PAGE_QUEUED, then reads the marks. All four are seq_cst: if the first finds the bit still
 *         set, the second sees the mark.
 *
 * Slots of up to BITS_MAX bytes are scanned span by span: while a span waits in the queue more of its
 * slots are marked, and are then read in the order of addresses. Pointers from a span into itself
 * are followed at once, level by level, and marked together. Three distances hide the memory's
 * latency: a candidate waits in a ring while the entry of its page and the marks come; the marks of
 * the span after the next are asked for, and the first grey slots of the next; and while a slot is
 * scanned, the one AHEAD of it.
 * Instead of a queue of objects for all, with the same ring before it and another behind: of 2^22
 *         objects of 64 bytes each takes 120 ns instead of 54 in random order, and 34 instead of 13
 *         as a tree in the order of birth.
 * Instead of setting bits in `scan` before a slot is scanned: two threads seldom visit one span at
 *         the same time, and then scan a slot twice; the atomic operations are one for each visit.
 * Instead of plain stores to the marks while one thread marks: mutators set bits in the same words.
 */
#include "gc/scan.h"

#include <gort/type.h>

#include "base/check.h"
#include "base/track.h"
#include "conf/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Where a candidate was found: its address if a descriptor says that it is a pointer, or one of these. */
enum { ANYWHERE = 0, ON_STACK = 1 };
enum { WORD = 8, AHEAD = 4 }; /* so many objects are asked for before they are scanned */

/* Spans of these classes are scanned span by span, their slots have at most 64 words. */
static inline bool by_span(unsigned class)
{
    return class - 2u <= 24u;
}
_Static_assert(BITS_MAX / WORD <= 64, "a slot's pointers fit in a word");

LOOKS_INLINE uintptr_t look(uintptr_t at)
{
    return __atomic_load_n((const uintptr_t *)at, __ATOMIC_RELAXED);
}

/* ---- which of up to 64 words may be pointers: a bit for each */
typedef uint64_t (*filter_fn)(uintptr_t at, unsigned n, uintptr_t lo, uintptr_t len);

LOOKS static inline uint64_t filter_plain(uintptr_t at, unsigned n, uintptr_t lo, uintptr_t len)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < n; i++)
        found |= (uint64_t)(look(at + i * WORD) - lo < len) << i;
    return found;
}

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))
static bool wide_is_here(void)
{
    return cpu_has(CPU_avx2);
}

/* Four words at a time. There is no unsigned comparison, so both sides lose 2^63. */
WIDE LOOKS static inline uint64_t filter_wide(uintptr_t at, unsigned n, uintptr_t lo, uintptr_t len)
{
    const __m256i from = _mm256_set1_epi64x((long long)(lo ^ (uintptr_t)INT64_MIN));
    const __m256i most = _mm256_set1_epi64x((long long)(len ^ (uintptr_t)INT64_MIN));
    uint64_t found = 0;
    unsigned i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i w = _mm256_loadu_si256((const __m256i *)(at + i * WORD));
        __m256i in = _mm256_cmpgt_epi64(most, _mm256_sub_epi64(w, from));
        found |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(in)) << i;
    }
    for (; i < n; i++)
        found |= (uint64_t)(look(at + i * WORD) - lo < len) << i;
    return found;
}
#else
#define WIDE
#define filter_wide filter_plain
static bool wide_is_here(void)
{
    return false;
}
#endif

/* ---- a candidate */
/* Counts a slot that was just marked, and queues it unless it has no pointers. */
static inline void found(struct marker *mk, struct arena *a, uint64_t e, uintptr_t first_page,
                         uintptr_t obj)
{
    unsigned class = pe_class(e);
    mk->counts.marked_objects++;
    mk->counts.marked_bytes += class_bytes[class];
    if (pe_kind(e) == OBJ_NOSCAN)
        return;
    if (!by_span(class)) {
        work_put_object(mk, obj);
        return;
    }
    au32 *state = &a->state[(first_page >> PAGE_SHIFT) % ARENA_PAGES];
    if ((load_seq(state) & PAGE_QUEUED) == 0 &&
        (or_seq(state, (uint32_t)PAGE_QUEUED) & PAGE_QUEUED) == 0)
        work_put_span(mk, first_page);
}

/* True if the bit was clear. */
static inline bool set_bit(au64 *bits, uint32_t i)
{
    uint64_t bit = (uint64_t)1 << i % 64;
    return (load_rlx(&bits[i / 64]) & bit) == 0 && (or_seq(&bits[i / 64], bit) & bit) == 0;
}

static inline void candidate(struct marker *mk, uintptr_t word, uintptr_t where);

/* Marks the object that ends exactly at `word`. */
static NOINLINE void mark_before(struct marker *mk, uintptr_t word)
{
    uintptr_t last = word - 1;
    struct object o;
    if (mk->exact && check_slot_at(word, &o))
        return;
    uint64_t e = last - mk->lo < mk->len ? page_entry(last) : 0;
    if (!pe_in_use(e))
        return;
    const struct span *s = pe_span(e);
    uint32_t slot = pe_class(e) == 0 ? 0 : span_slot_of(s, last);
    if (slot < s->nslots && s->base + (slot + 1) * s->slot_bytes == word)
        candidate(mk, last, ANYWHERE);
}

static NOINLINE void resolve_large(struct marker *mk, uint64_t e, uintptr_t word, uintptr_t where)
{
    const struct span *s = pe_span(e);
    struct page_meta *m = meta_of(arena_of(s->base), s->base);
    if (where == ON_STACK && word == s->base)
        mark_before(mk, word);
    if (!set_bit(m->mark[mk->half], 0))
        return;
    mk->counts.marked_objects++;
    mk->counts.marked_bytes += s->slot_bytes;
    if (pe_kind(e) != OBJ_NOSCAN)
        work_put_object(mk, s->base);
}

/* No object is there. */
static NOINLINE void resolve_nothing(struct marker *mk, uintptr_t word, uintptr_t where)
{
    if (where == ON_STACK)
        mark_before(mk, word);
    else if (where != ANYWHERE)
        check_bad_pointer(word, where);
}

static inline void resolve(struct marker *mk, uintptr_t word, uintptr_t where)
{
    struct arena *a = load_acq(&arena_map[word >> ARENA_SHIFT]);         /* arena_add */
    uint64_t e = load_acq(&a->page[(word >> PAGE_SHIFT) % ARENA_PAGES]); /* arena_set_span */
    unsigned class = pe_class(e), page = pe_page(e);
    if (unlikely(!pe_in_use(e))) {
        resolve_nothing(mk, word, where);
        return;
    }
    if (unlikely(class == 0)) {
        resolve_large(mk, e, word, where);
        return;
    }
    uintptr_t first = (word & ~(PAGE_BYTES - 1)) - page * PAGE_BYTES;
    uint32_t slot = (uint32_t)((uint64_t)(word - first) * class_magic[class] >> 32);
    if (unlikely(slot >= class_slots[class])) {
        resolve_nothing(mk, word, where);
        return;
    }
    uintptr_t obj = first + slot * class_bytes[class];
    if (unlikely(page != 0))
        a = arena_of(first); /* a span may lie across two arenas */
    if (unlikely(where == ON_STACK) && word == obj)
        mark_before(mk, word);
    if (set_bit(meta_marks(meta_of(a, first), class, mk->half), slot))
        found(mk, a, e, first, obj);
}

/* `word` is within the bounds of the heap; it is looked at when its page's entry is here. */
static inline void candidate(struct marker *mk, uintptr_t word, uintptr_t where)
{
    struct arena *a = load_acq(&arena_map[word >> ARENA_SHIFT]); /* arena_add */
    if (unlikely(a == NULL))
        return;
    struct candidate *c = &mk->ring[mk->at++ % RING];
    struct candidate old = *c;
    size_t page = (word >> PAGE_SHIFT) % ARENA_PAGES;
    *c = (struct candidate){word, where};
    __builtin_prefetch(&a->page[page]);
    __builtin_prefetch(a->meta[page].mark[mk->half], 1); /* all but always a span of one page */
    if (likely(old.word != 0))
        resolve(mk, old.word, old.where);
}

bool mark_flush(struct marker *mk)
{
    bool any = false;
    for (unsigned i = 0; i < RING; i++) {
        struct candidate *c = &mk->ring[mk->at++ % RING], old = *c;
        c->word = 0;
        if (old.word != 0) {
            any = true;
            resolve(mk, old.word, old.where);
        }
    }
    return any;
}

void mark_word(struct marker *mk, uintptr_t word)
{
    if (word - mk->lo < mk->len)
        candidate(mk, word, ANYWHERE);
}

/* ---- words */
static inline uint64_t low_bits(unsigned n) /* 0 < n <= 64 */
{
    return ~(uint64_t)0 >> (64 - n);
}

/* n bits of a precise span's pointer bits, from word w of the span on. */
static inline uint64_t ptr_bits(const struct page_meta *m, unsigned w, unsigned n)
{
    uint64_t bits = load_rlx(&m->ptr[w / 64]) >> w % 64;
    if (w % 64 + n > 64)
        bits |= load_rlx(&m->ptr[w / 64 + 1]) << (64 - w % 64);
    return bits & low_bits(n);
}

/* ---- spans */
/* A span that is being visited. Pointers into it are noted in `inner`, and become marks together. */
struct visit {
    struct page_meta *m;
    uintptr_t first;
    uint32_t bytes, words; /* of a slot */
    uint32_t magic, nslots;
    uint64_t inner[MARK_WORDS], done[MARK_WORDS];
    uint16_t slot[PAGE_BYTES / 16];
};

/* Marks what was found in the span itself; the marks of word i of the span's bits. */
static inline uint64_t mark_inner(struct marker *mk, struct visit *v, unsigned i)
{
    au64 *marks = &v->m->mark[mk->half][i];
    uint64_t marked = load_seq(marks), add = v->inner[i] & ~marked;
    if (add == 0)
        return marked;
    uint64_t before = or_seq(marks, add);
    unsigned n = (unsigned)__builtin_popcountll(add & ~before);
    mk->counts.marked_objects += n;
    mk->counts.marked_bytes += (uint64_t)n * v->bytes;
    v->inner[i] = 0;
    return before | add;
}

/* The slots that are marked and were not scanned, in rising order; how many. */
static inline unsigned grey_slots(struct marker *mk, struct visit *v)
{
    unsigned n = 0, words = (v->nslots + 63) / 64;
    for (unsigned i = 0; i < words; i++) {
        uint64_t grey = mark_inner(mk, v, i) & ~v->done[i];
        v->done[i] |= grey;
        for (; grey != 0; grey &= grey - 1)
            v->slot[n++] = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(grey));
    }
    return n;
}

/* Others that visit the span meanwhile skip what is done; seldom a slot is scanned twice. */
static inline void publish_done(struct visit *v)
{
    for (unsigned i = 0; i < (v->nslots + 63) / 64; i++)
        if ((v->done[i] & ~load_rlx(&v->m->scan[i])) != 0)
            or_seq(&v->m->scan[i], v->done[i]);
}

/* A word within the bounds of the heap. */
static inline void note(struct marker *mk, struct visit *v, uintptr_t word, uintptr_t where)
{
    if (word - v->first < PAGE_BYTES) {
        uint32_t slot = (uint32_t)((uint64_t)(word - v->first) * v->magic >> 32);
        if (likely(slot < v->nslots)) {
            v->inner[slot / 64] |= (uint64_t)1 << slot % 64;
            __builtin_prefetch((const void *)word);
            return;
        }
    }
    candidate(mk, word, where);
}

LOOKS_INLINE void visit_slot(struct marker *mk, struct visit *v, unsigned slot, bool precise,
                             filter_fn filter)
{
    uintptr_t at = v->first + slot * v->bytes;
    uint64_t bits =
        precise ? ptr_bits(v->m, slot * v->words, v->words) : filter(at, v->words, mk->lo, mk->len);
    for (; bits != 0; bits &= bits - 1) {
        uintptr_t where = at + (unsigned)__builtin_ctzll(bits) * WORD, word = look(where);
        if (word - mk->lo < mk->len)
            note(mk, v, word, precise ? where : ANYWHERE);
    }
}

static inline void visit_begin(struct visit *v, uintptr_t first, bool *precise)
{
    struct arena *a = arena_of(first);
    size_t page = (first >> PAGE_SHIFT) % ARENA_PAGES;
    uint64_t e = load_acq(&a->page[page]); /* arena_set_span */
    unsigned class = pe_class(e);
    *precise = pe_kind(e) == OBJ_PRECISE;
    v->m = &a->meta[page];
    v->first = first;
    v->bytes = class_bytes[class];
    v->words = v->bytes / WORD;
    v->magic = class_magic[class];
    v->nslots = class_slots[class];
    and_seq(&a->state[page], ~(uint32_t)PAGE_QUEUED);
    for (unsigned i = 0; i < MARK_WORDS; i++) {
        v->inner[i] = 0;
        v->done[i] = load_rlx(&v->m->scan[i]);
    }
}

LOOKS_INLINE void visit(struct marker *mk, uintptr_t first, filter_fn filter)
{
    struct visit v;
    bool precise;
    visit_begin(&v, first, &precise);
    for (unsigned n; (n = grey_slots(mk, &v)) != 0;) {
        for (unsigned i = 0; i < n; i++) {
            if (i + AHEAD < n)
                __builtin_prefetch((const void *)(first + v.slot[i + AHEAD] * v.bytes));
            visit_slot(mk, &v, v.slot[i], precise, filter);
        }
        mk->counts.heap_bytes += (uint64_t)n * v.bytes;
    }
    publish_done(&v);
}

/* Any of up to 64 words from `at` on may be a pointer. */
LOOKS_INLINE void scan_any(struct marker *mk, uintptr_t at, unsigned n, filter_fn filter)
{
    for (uint64_t may = filter(at, n, mk->lo, mk->len); may != 0; may &= may - 1) {
        uintptr_t word = look(at + (unsigned)__builtin_ctzll(may) * WORD);
        if (likely(word - mk->lo < mk->len)) /* it may have changed */
            candidate(mk, word, ANYWHERE);
    }
}

LOOKS static void visit_plain(struct marker *mk, uintptr_t first)
{
    visit(mk, first, filter_plain);
}

WIDE LOOKS static void visit_wide(struct marker *mk, uintptr_t first)
{
    visit(mk, first, filter_wide);
}

static void (*visit_now)(struct marker *mk, uintptr_t first) = visit_plain;
static filter_fn filter_now = filter_plain;

void mark_choose(void)
{
    bool wide = wide_is_here();
    visit_now = wide ? visit_wide : visit_plain;
    filter_now = wide ? filter_wide : filter_plain;
}

/* What the visit after the next will look at first. */
static inline void span_ahead(const struct marker *mk, uintptr_t first)
{
    struct arena *a = arena_of(first);
    size_t page = (first >> PAGE_SHIFT) % ARENA_PAGES;
    __builtin_prefetch(&a->state[page], 1);
    __builtin_prefetch(&a->page[page]);
    __builtin_prefetch(a->meta[page].mark[mk->half], 1);
    __builtin_prefetch(a->meta[page].scan, 1);
    __builtin_prefetch(&a->meta[page].ptr[0]);
    __builtin_prefetch(&a->meta[page].ptr[PTR_WORDS / 2]);
}

/* The first grey slots of the next span. */
static inline void slots_ahead(const struct marker *mk, uintptr_t first)
{
    struct arena *a = arena_of(first);
    size_t page = (first >> PAGE_SHIFT) % ARENA_PAGES;
    const struct page_meta *m = &a->meta[page];
    unsigned class = pe_class(load_rlx(&a->page[page])), n = 0;
    for (unsigned i = 0; i < (class_slots[class] + 63u) / 64; i++) {
        uint64_t grey = load_rlx(&m->mark[mk->half][i]) & ~load_rlx(&m->scan[i]);
        for (; grey != 0 && n++ < AHEAD; grey &= grey - 1) {
            unsigned slot = i * 64 + (unsigned)__builtin_ctzll(grey);
            __builtin_prefetch((const void *)(first + slot * class_bytes[class]));
        }
    }
}

void mark_span(struct marker *mk, uintptr_t first_page)
{
    uintptr_t next = work_peek_span(mk, 1);
    if (next != 0)
        span_ahead(mk, next);
    next = work_peek_span(mk, 0);
    if (next != 0)
        slots_ahead(mk, next);
    visit_now(mk, first_page);
}

/* ---- objects, and parts of them */
/* k <= 64 bits of a mask, from bit `at` on. */
static uint64_t mask_bits(const uint8_t *mask, size_t at, size_t k)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < k;) {
        size_t in_byte = (at + i) % 8;
        bits |= (uint64_t)(mask[(at + i) / 8] >> in_byte) << i;
        i += 8 - in_byte;
    }
    return bits & low_bits((unsigned)k);
}

/* The bits of words [word, word + 64) of a row of objects of type t. */
static uint64_t type_bits(const struct gort_type *t, size_t word)
{
    size_t size = t->size / WORD, pointers = t->ptrdata / WORD;
    uint64_t bits = 0;
    if (pointers == 0)
        return 0;
    if (64 % size == 0 && word % size == 0) {
        bits = mask_bits(t->gcdata, 0, pointers);
        for (size_t k = size; k < 64; k *= 2)
            bits |= bits << k;
        return bits;
    }
    size_t at = word % size;
    for (size_t i = 0; i < 64;) {
        if (at < pointers) {
            size_t k = pointers - at < 64 - i ? pointers - at : 64 - i;
            bits |= mask_bits(t->gcdata, at, k) << i;
        }
        i += size - at;
        at = 0;
    }
    return bits;
}

enum certainty { KNOWN, MAY_BE };

static const struct gort_type *type_of_slot(const struct object *o)
{
    return o->span->class == 0 ? load_acq(&o->span->u.type) : load_acq(&o->span->u.types[o->slot]);
}

/* Which of the words [word, word + 64) of the object are pointers, or may be. */
static uint64_t pointer_bits(const struct object *o, size_t word, enum certainty *c)
{
    size_t left = o->bytes / WORD - word;
    uint64_t all = left >= 64 ? ~(uint64_t)0 : low_bits((unsigned)left);
    *c = MAY_BE;
    if (o->span->kind != OBJ_PRECISE)
        return o->span->kind == OBJ_NOSCAN ? 0 : all;
    if (by_span(o->span->class)) {
        *c = KNOWN;
        return ptr_bits(o->span->meta, (unsigned)(o->slot * o->bytes / WORD), (unsigned)left);
    }
    const struct gort_type *t = type_of_slot(o);
    if (t == NULL)
        return 0; /* it is being born: what is stored there is found as written */
    if (t->gcdata == NULL || (t->kind & GORT_KIND_PROGRAM) != 0 || t->size % WORD != 0)
        return all;
    *c = KNOWN;
    return type_bits(t, word) & all;
}

uint64_t mark_pointer_bits(const struct object *o, size_t word)
{
    enum certainty c;
    return pointer_bits(o, word, &c);
}

/* Behind the last word that may be a pointer. Most objects are one of their type, whose pointers mostly
 * come first; of several in a row each has some. */
static uintptr_t pointers_end(const struct object *o)
{
    if (o->span->kind != OBJ_PRECISE || by_span(o->span->class))
        return o->base + o->bytes;
    const struct gort_type *t = type_of_slot(o);
    if (t == NULL)
        return o->base;
    bool is_one = 2 * t->size > o->bytes && t->ptrdata <= o->bytes;
    return o->base + (is_one ? t->ptrdata : o->bytes);
}

/* Scans what lies in [lo, hi), both at words of the object. */
LOOKS static void scan_part(struct marker *mk, const struct object *o, uintptr_t lo, uintptr_t hi)
{
    uintptr_t end = pointers_end(o);
    if (hi > end)
        hi = end;
    if (lo >= hi)
        return;
    size_t from = (lo - o->base) / WORD, to = (hi - o->base) / WORD;
    for (size_t w = from / 64 * 64; w < to; w += 64) {
        enum certainty c;
        uint64_t bits = pointer_bits(o, w, &c);
        if (w < from)
            bits &= ~low_bits((unsigned)(from - w));
        if (to - w < 64)
            bits &= low_bits((unsigned)(to - w));
        uintptr_t at = o->base + w * WORD;
        if (bits == 0)
            continue;
        if (c == MAY_BE)
            bits &= filter_now(at, 64u - (unsigned)__builtin_clzll(bits), mk->lo, mk->len);
        for (; bits != 0; bits &= bits - 1) {
            uintptr_t where = at + (unsigned)__builtin_ctzll(bits) * WORD, word = look(where);
            if (word - mk->lo < mk->len)
                candidate(mk, word, c == KNOWN ? where : ANYWHERE);
        }
    }
    mk->counts.heap_bytes += hi - lo;
}

/* The slot that holds `addr`, which lies in a span in use. False: behind the last slot. */
static bool slot_at(uint64_t e, uintptr_t addr, struct object *o)
{
    struct span *s = pe_span(e);
    uint32_t slot = pe_class(e) == 0 ? 0 : span_slot_of(s, addr);
    *o = (struct object){s->base + slot * s->slot_bytes, s->slot_bytes, s, slot};
    return slot < s->nslots;
}

void mark_object(struct marker *mk, uintptr_t addr)
{
    struct object o;
    bool is_slot = slot_at(page_entry(addr), addr, &o);
    uintptr_t end = o.base + o.bytes;
    DCHECK(is_slot);
    (void)is_slot;
    if (end - addr > OBLET_BYTES) {
        end = addr + OBLET_BYTES;
        work_put_object(mk, end);
        if (work_wanted())
            work_share_objects(mk);
    }
    scan_part(mk, &o, addr, end);
}

bool gc_is_marked(const struct object *o)
{
    const au64 *marks = meta_marks(o->span->meta, o->span->class, load_rlx(&mem_gc.half));
    return (load_seq(&marks[o->slot / 64]) >> o->slot % 64 & 1) != 0;
}

void gc_revive(const struct object *o)
{
    set_bit(meta_marks(o->span->meta, o->span->class, load_rlx(&mem_gc.half)), o->slot);
}

LOOKS void mark_contents(struct marker *mk, const struct object *o)
{
    for (size_t w = 0; w < o->bytes / WORD; w += 64) {
        for (uint64_t bits = mark_pointer_bits(o, w); bits != 0; bits &= bits - 1) {
            uintptr_t word = look(o->base + (w + (unsigned)__builtin_ctzll(bits)) * WORD);
            if (word - o->base >= o->bytes)
                mark_word(mk, word);
        }
    }
    mk->counts.heap_bytes += o->bytes;
}

/* ---- ranges */
LOOKS static void scan_range(struct marker *mk, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t at = lo; at < hi; at += 64 * WORD) {
        size_t left = (hi - at) / WORD;
        scan_any(mk, at, left < 64 ? (unsigned)left : 64u, filter_now);
    }
}

/* One past the end of the heap counts too. */
LOOKS static void scan_stack(struct marker *mk, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t at = lo; at < hi; at += 64 * WORD) {
        size_t left = (hi - at) / WORD;
        uint64_t may = filter_now(at, left < 64 ? (unsigned)left : 64u, mk->lo, mk->len + 1);
        for (; may != 0; may &= may - 1) {
            uintptr_t word = look(at + (unsigned)__builtin_ctzll(may) * WORD);
            if (word - mk->lo < mk->len && arena_of(word) != NULL)
                candidate(mk, word, ON_STACK);
            else
                mark_before(mk, word);
        }
    }
}

/* For check.c: the last word of the range that points into the wanted object. */
LOOKS static void look_for(struct marker *mk, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t at = lo; at < hi; at += WORD)
        if (look(at) - mk->wanted->base < mk->wanted->bytes)
            mk->found = at;
}

void mark_range(struct marker *mk, const void *lo_p, const void *hi_p, enum root_kind kind)
{
    uintptr_t lo = ((uintptr_t)lo_p + WORD - 1) & ~(uintptr_t)(WORD - 1);
    uintptr_t hi = (uintptr_t)hi_p & ~(uintptr_t)(WORD - 1);
    if (hi <= lo)
        return;
    if (unlikely(mk->wanted != NULL)) {
        look_for(mk, lo, hi);
    } else if (kind == ROOT_STACK) {
        scan_stack(mk, lo, hi);
        mk->counts.stack_bytes += hi - lo;
    } else {
        scan_range(mk, lo, hi);
        mk->counts.global_bytes += hi - lo;
    }
}

/* ---- what was written */
static uintptr_t higher(uintptr_t a, uintptr_t b)
{
    return a > b ? a : b;
}

static uintptr_t lower(uintptr_t a, uintptr_t b)
{
    return a < b ? a : b;
}

/* Most words of a page are no pointers: only of those that may be is asked whose they are. */
LOOKS static void words_written(struct marker *mk, const struct span *s, uintptr_t lo, uintptr_t hi)
{
    const au64 *marks = meta_marks(s->meta, s->class, mk->half);
    bool precise = s->kind == OBJ_PRECISE;
    for (uintptr_t at = lo; at < hi; at += 64 * WORD) {
        unsigned n = hi - at < 64 * WORD ? (unsigned)((hi - at) / WORD) : 64u;
        uint64_t may = filter_now(at, n, mk->lo, mk->len);
        if (precise)
            may &= ptr_bits(s->meta, (unsigned)((at - s->base) / WORD), n);
        for (; may != 0; may &= may - 1) {
            uintptr_t where = at + (unsigned)__builtin_ctzll(may) * WORD, word = look(where);
            uint32_t slot = span_slot_of(s, where);
            if ((load_seq(&marks[slot / 64]) >> slot % 64 & 1) != 0 && word - mk->lo < mk->len)
                candidate(mk, word, precise ? where : ANYWHERE);
        }
    }
    mk->counts.heap_bytes += hi - lo;
}

/* Marked slots of one span, as far as they lie in [lo, hi). */
static void span_written(struct marker *mk, struct span *s, uintptr_t lo, uintptr_t hi)
{
    hi = lower(hi, s->base + s->nslots * s->slot_bytes);
    lo = higher(lo, s->base);
    if (lo >= hi || s->kind == OBJ_NOSCAN)
        return;
    if (s->class == 1 || by_span(s->class)) {
        words_written(mk, s, lo, hi);
        return;
    }
    struct object o = {0, s->slot_bytes, s, s->class == 0 ? 0 : span_slot_of(s, lo)};
    for (; s->base + o.slot * o.bytes < hi; o.slot++) {
        o.base = s->base + o.slot * o.bytes;
        if (gc_is_marked(&o))
            scan_part(mk, &o, higher(lo, o.base), lower(hi, o.base + o.bytes));
    }
}

void mark_written(struct marker *mk, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t at = lo; at < hi;) {
        uint64_t e = page_entry(at);
        if (!pe_in_use(e)) {
            at = (at & ~(PAGE_BYTES - 1)) + PAGE_BYTES;
            continue;
        }
        struct span *s = pe_span(e);
        uintptr_t end = lower(hi, s->base + s->npages * PAGE_BYTES);
        struct arena *a = arena_of(s->base);
        span_written(mk, s, at, end);
        if ((load_seq(&a->state[(s->base >> PAGE_SHIFT) % ARENA_PAGES]) & PAGE_SPECIALS) != 0)
            specials_mark_span(mk, s);
        at = end;
    }
}

/* ---- starting over */
static void unmark_page(struct arena *a, size_t page, unsigned half)
{
    uint64_t e = load_rlx(&a->page[page]);
    if (!pe_in_use(e) || (pe_span(e)->base >> PAGE_SHIFT) % ARENA_PAGES != page)
        return;
    unsigned words = pe_class(e) == 1 ? 2 * MARK_WORDS : MARK_WORDS;
    au64 *marks = meta_marks(&a->meta[page], pe_class(e), half);
    for (unsigned i = 0; i < words; i++)
        store_rlx(&marks[i], (uint64_t)0);
    for (unsigned i = 0; i < MARK_WORDS; i++)
        store_rlx(&a->meta[page].scan[i], (uint64_t)0);
    and_seq(&a->state[page], ~(uint32_t)PAGE_QUEUED);
}

static void unmark_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    (void)arg;
    for (uintptr_t at = lo; at < hi; at += PAGE_BYTES)
        unmark_page(a, (at >> PAGE_SHIFT) % ARENA_PAGES, load_rlx(&mem_gc.half));
}

void gc_unmark_all(void)
{
    arena_each(unmark_arena, NULL);
    work_drop();
    mark_reset();
}
