/* span.c: a run of pages that holds objects of one size class and one kind.
 *
 * Owns    which slots of a span are given out, and which of them a sweep leaves.
 * Holds   1. slots below free_index are handed out, or in the run of the cache that has the span.
 *         2. slots from free_index on are taken if taken_bits says so; without taken_bits, free.
 *         3. a free slot in no cache's run has no pointer bits and no type: who marks it finds nothing.
 *         4. class 0 has one slot; the others have what the table of classes says.
 *         5. outside of marking, the half of the marks that taken_bits does not name and `scan` are
 *            clear in a swept span; without taken_bits, both halves are. What lies beside the
 *            pages of a free run is all zero.
 * Locks   none. free_index and taken_bits belong to the cache that holds the span, else to the lock
 *         of central, or to who sweeps it. Marks are set by anyone while marking.
 * Order   cache.c writes slot->next before slot->end; in_cached_run reads end before next, and then
 *         whether the span is still cached there. So it may take a free slot for an object, but
 *         never an object for a free slot.
 *         span_turn names the new half in taken_bits before it clears the old one; span_slot_taken
 *         reads a bit before it looks whether taken_bits still names its half. A finalizer may ask
 *         while its object's span is still being swept.
 * Instead of a list linked through free slots: the objects stay zero from birth to use, a
 *         stray word in a free slot is never followed, and a run is consumed by an addition.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"
#include "base/track.h"

#include <string.h>

struct fixed span_structs = FIXED_INIT(sizeof(struct span), SYS_SPAN);
struct mem_gc mem_gc = {.cycle = {4}}; /* so that a struct of zeroes never waits to be swept */

/* Slots above BITS_MAX are at most 14 to a span, a type for each. */
enum { TYPES_MAX = 16 };
static struct fixed type_tables = FIXED_INIT(TYPES_MAX * sizeof(aptr), SYS_GC);

static bool has_types(const struct span *s)
{
    return s->kind == OBJ_PRECISE && s->class != 0 && s->slot_bytes > BITS_MAX;
}

static bool has_ptr_bits(const struct span *s)
{
    return s->kind == OBJ_PRECISE && s->class != 0 && s->slot_bytes <= BITS_MAX;
}

static bool has_scan_bits(const struct span *s)
{
    return s->kind != OBJ_NOSCAN && s->class != 1;
}

static au64 *marks_now(const struct span *s)
{
    return meta_marks(s->meta, s->class, load_rlx(&mem_gc.half));
}

static au64 *marks_other(const struct span *s)
{
    return meta_marks(s->meta, s->class, load_rlx(&mem_gc.half) ^ 1);
}

/* Everything beside its pages is clear (5). */
static UNUSED bool meta_is_clear(const struct span *s)
{
    const au64 *w = s->meta->mark[0];
    for (size_t i = 0; i < sizeof *s->meta / sizeof *w; i++)
        if (load_rlx(&w[i]) != 0)
            return false;
    return true;
}

void span_init(struct span *s, unsigned class, enum obj_kind kind)
{
    CHECK(class != 1 || kind != OBJ_PRECISE);
    s->class = (uint8_t) class;
    s->kind = (uint8_t)kind;
    s->slot_bytes = class == 0 ? s->npages * PAGE_BYTES : class_bytes[class];
    s->nslots = class == 0 ? 1 : class_slots[class];
    s->magic = class_magic[class];
    s->meta = meta_of(arena_of(s->base), s->base);
    DCHECK(meta_is_clear(s));
    store_rlx(&s->taken_bits, (void *)NULL);
    s->specials = NULL;
    store_rlx(&s->u.type, (void *)NULL);
    store_rlx(&s->free_index, 0u);
    store_rlx(&s->slot, (void *)NULL);
    store_rlx(&s->swept, load_rlx(&mem_gc.cycle));
    if (has_types(s))
        s->u.types = fixed_take(&type_tables);
    track_dead(s->base, s->npages * PAGE_BYTES);
}

static void words_clear(au64 *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        store_rlx(&w[i], (uint64_t)0);
}

void span_fini(struct span *s)
{
    CHECK(s->specials == NULL);
    words_clear(marks_now(s), span_words(s));
    words_clear(marks_other(s), span_words(s));
    if (has_scan_bits(s))
        words_clear(s->meta->scan, span_words(s));
    if (has_ptr_bits(s))
        words_clear(s->meta->ptr, PTR_WORDS);
    if (has_types(s))
        fixed_put(&type_tables, s->u.types);
    store_rlx(&s->taken_bits, (void *)NULL);
    store_rlx(&s->u.type, (void *)NULL);
}

/* ---- bits */
/* The slots of word w that are in [lo, hi). */
static uint64_t word_mask(unsigned w, uint32_t lo, uint32_t hi)
{
    uint32_t first = w * 64;
    uint64_t mask = ~(uint64_t)0;
    if (hi <= first || lo >= first + 64)
        return 0;
    if (lo > first)
        mask <<= lo - first;
    if (hi < first + 64)
        mask &= ((uint64_t)1 << (hi - first)) - 1;
    return mask;
}

static uint64_t taken_word(const struct span *s, unsigned w)
{
    au64 *taken = load_rlx(&s->taken_bits);
    return taken == NULL ? 0 : load_rlx(&taken[w]);
}

/* The first slot from `slot` on whose bit, turned over by `flip`, is set; nslots if there is none. */
static uint32_t next_slot(const struct span *s, uint32_t slot, uint64_t flip)
{
    au64 *taken = load_rlx(&s->taken_bits);
    for (; slot < s->nslots; slot = (slot / 64 + 1) * 64) {
        uint64_t bits = (load_rlx(&taken[slot / 64]) ^ flip) >> slot % 64;
        if (bits != 0) {
            slot += (uint32_t)__builtin_ctzll(bits);
            break;
        }
    }
    return slot < s->nslots ? slot : s->nslots;
}

static uint32_t next_free(const struct span *s, uint32_t slot)
{
    return load_rlx(&s->taken_bits) == NULL ? slot : next_slot(s, slot, ~(uint64_t)0);
}

static uint32_t next_taken(const struct span *s, uint32_t slot)
{
    return load_rlx(&s->taken_bits) == NULL ? s->nslots : next_slot(s, slot, 0);
}

bool span_has_free(struct span *s)
{
    return next_free(s, load_rlx(&s->free_index)) < s->nslots;
}

/* ---- birth */
static void or_range(au64 *bits, uint32_t lo, uint32_t hi)
{
    for (unsigned w = lo / 64; w * 64 < hi; w++)
        or_rlx(&bits[w], word_mask(w, lo, hi));
}

void span_mark(struct span *s, uint32_t lo, uint32_t hi)
{
    or_range(marks_now(s), lo, hi);
    if (has_scan_bits(s))
        or_range(s->meta->scan, lo, hi);
}

/* Old bytes are zeroed in small pieces, so that they are still in the cache when they are used. */
bool span_take_run(struct span *s, uintptr_t *lo, uintptr_t *hi)
{
    uint32_t first = next_free(s, load_rlx(&s->free_index));
    if (first >= s->nslots)
        return false;
    uint32_t end = next_taken(s, first + 1);
    uint32_t most = s->needzero ? (uint32_t)(RUN_ZERO_BYTES / s->slot_bytes) : end;
    if (end - first > most)
        end = first + (most > 0 ? most : 1);
    *lo = s->base + first * s->slot_bytes;
    *hi = s->base + end * s->slot_bytes;
    if (s->needzero) {
        track_raw(*lo, *hi - *lo);
        memset((void *)*lo, 0, *hi - *lo);
        track_dead(*lo, *hi - *lo);
    }
    if (load_rlx(&mem_gc.marking) != 0)
        span_mark(s, first, end);
    store_rlx(&s->free_index, end);
    return true;
}

/* ---- what is an object */
static bool in_cached_run(struct span *s, uint32_t slot)
{
    struct slot *c = load_acq(&s->slot); /* pairs with cache.c */
    if (c == NULL)
        return false;
    uintptr_t addr = s->base + slot * s->slot_bytes;
    uintptr_t limit = s->base + s->nslots * s->slot_bytes;
    uintptr_t end = load_acq(&c->end); /* pairs with run_publish */
    uintptr_t next = load_acq(&c->next);
    if (next < s->base || end > limit) /* one is old: the run was given back meanwhile */
        return false;
    return addr >= next && addr < end && load_acq(&s->slot) == c; /* pairs with cache_drop_span */
}

bool span_slot_taken(struct span *s, uint32_t slot)
{
    while (slot >= load_acq(&s->free_index)) { /* this and the next two pair with span_turn */
        au64 *taken = load_acq(&s->taken_bits);
        if (taken != NULL && (load_acq(&taken[slot / 64]) >> slot % 64 & 1) != 0)
            return true;
        if (load_rlx(&s->taken_bits) == taken)
            return false;
    }
    return !in_cached_run(s, slot);
}

/* ---- death */
static uint64_t object_word(const struct span *s, unsigned w)
{
    uint64_t given = word_mask(w, 0, load_rlx(&s->free_index));
    return given | taken_word(s, w);
}

uint64_t span_dead(struct span *s, unsigned w)
{
    return object_word(s, w) & ~load_rlx(&marks_now(s)[w]);
}

static void set_bits(au64 *word, uint64_t mask)
{
    store_rlx(word, load_rlx(word) | mask); /* the owner of the span is the only writer */
}

static void clear_bits(au64 *word, uint64_t mask)
{
    store_rlx(word, load_rlx(word) & ~mask);
}

/* Slots of 2, 4, 8, ... words repeat within a word of bits: those are written a word at a time. */
void span_set_pointers(struct span *s, uint32_t lo, uint32_t hi, uint64_t mask)
{
    uint32_t words = (uint32_t)(s->slot_bytes / 8), at = lo * words, end = hi * words;
    bool repeats = words <= 64 && (words & (words - 1)) == 0;
    for (uint32_t k = words; repeats && k < 64; k *= 2)
        mask |= mask << k;
    uint32_t step = repeats ? 64 : words;
    while (at < end) {
        uint32_t in = at % 64, n = repeats ? step - in : step;
        if (n > end - at)
            n = end - at;
        uint64_t bits = repeats ? mask & ~(uint64_t)0 >> (64 - n) << in : mask << in;
        set_bits(&s->meta->ptr[at / 64], bits);
        if (!repeats && in + words > 64)
            set_bits(&s->meta->ptr[at / 64 + 1], mask >> (64 - in));
        at += n;
    }
}

/* Pointer bits of slots [lo, hi). */
void span_clear_pointers(struct span *s, uint32_t lo, uint32_t hi)
{
    uint32_t at = (uint32_t)(lo * s->slot_bytes / 8), end = (uint32_t)(hi * s->slot_bytes / 8);
    while (at < end) {
        uint32_t n = 64 - at % 64 < end - at ? 64 - at % 64 : end - at;
        clear_bits(&s->meta->ptr[at / 64], ~(uint64_t)0 >> (64 - n) << at % 64);
        at += n;
    }
}

/* Each of the low 64 / k bits becomes k bits; k is 2, 4 or 8. */
static uint64_t widen(uint64_t x, unsigned k)
{
    uint64_t ones = ((uint64_t)1 << k) - 1;
    x &= ~(uint64_t)0 >> (64 - 64 / k);
    for (; k > 1; k /= 2) { /* a zero after each bit */
        x = (x | x << 16) & 0x0000ffff0000ffff;
        x = (x | x << 8) & 0x00ff00ff00ff00ff;
        x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
        x = (x | x << 2) & 0x3333333333333333;
        x = (x | x << 1) & 0x5555555555555555;
    }
    return x * ones;
}

/* Pointer bits of the dead slots of word w, of 2, 4 or 8 words each: those may be many. */
static void clear_widened(struct span *s, unsigned w, uint64_t dead)
{
    unsigned k = (unsigned)(s->slot_bytes / 8);
    for (unsigned i = 0; dead != 0 && w * k + i < PTR_WORDS; i++, dead >>= 64 / k)
        clear_bits(&s->meta->ptr[w * k + i], widen(dead, k));
}

static void forget_pointers(struct span *s, uint32_t lo, uint32_t hi)
{
    if (has_ptr_bits(s))
        span_clear_pointers(s, lo, hi);
    else if (has_types(s))
        while (lo < hi)
            store_rlx(&s->u.types[lo++], (void *)NULL);
}

/* The dead slots of word w. */
static void forget_dead(struct span *s, unsigned w, uint64_t dead)
{
    if (s->slot_bytes == 16 || s->slot_bytes == 32 || s->slot_bytes == 64) {
        clear_widened(s, w, dead);
        return;
    }
    while (dead != 0) { /* runs of them */
        uint32_t lo = (uint32_t)__builtin_ctzll(dead);
        uint64_t rest = ~(dead >> lo); /* 0: all 64 of them */
        uint32_t n = rest == 0 ? 64 : (uint32_t)__builtin_ctzll(rest);
        forget_pointers(s, w * 64 + lo, w * 64 + lo + n);
        dead = lo + n >= 64 ? 0 : dead >> (lo + n) << (lo + n);
    }
}

static uint32_t count_bits(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (uint32_t)(x * 0x0101010101010101 >> 56);
}

struct span_left span_turn(struct span *s)
{
    struct span_left left = {0, 0};
    au64 *now = marks_now(s), *other = marks_other(s);
    bool precise = s->kind == OBJ_PRECISE && s->class != 0, scan = has_scan_bits(s);
    for (unsigned w = 0; w < span_words(s); w++) {
        uint64_t objects = object_word(s, w), marks = load_rlx(&now[w]), dead = objects & ~marks;
        left.alive += count_bits(objects & marks);
        left.freed += count_bits(dead);
        store_rlx(&now[w], objects & marks);
        if (scan)
            store_rlx(&s->meta->scan[w], (uint64_t)0);
        if (precise)
            forget_dead(s, w, dead);
    }
    s->needzero |= left.freed > 0;
    store_rel(&s->taken_bits, (void *)now); /* these pair with span_slot_taken */
    store_rel(&s->free_index, 0u);
    for (unsigned w = 0; w < span_words(s); w++)
        store_rel(&other[w], (uint64_t)0);
    return left;
}

/* ---- checks */
static void check_marks(struct span *s)
{
    au64 *taken = load_rlx(&s->taken_bits);
    CHECK(taken == NULL || taken == marks_now(s) || taken == marks_other(s));
    for (unsigned w = 0; w < span_words(s); w++) {
        uint64_t none = ~word_mask(w, 0, s->nslots);
        CHECK(((load_rlx(&marks_now(s)[w]) | load_rlx(&marks_other(s)[w])) & none) == 0);
        if (load_rlx(&mem_gc.marking) != 0 || load_rlx(&s->swept) != load_rlx(&mem_gc.cycle))
            continue;
        CHECK(taken == marks_now(s) || load_rlx(&marks_now(s)[w]) == 0); /* 5 */
        CHECK(load_rlx(&marks_other(s)[w]) == 0);                        /* 5 */
        CHECK(!has_scan_bits(s) || load_rlx(&s->meta->scan[w]) == 0);    /* 5 */
    }
}

static void check_pages(struct span *s)
{
    for (size_t i = 0; i < s->npages; i++) {
        uint64_t e = page_entry(s->base + i * PAGE_BYTES);
        CHECK(pe_in_use(e) && pe_span(e) == s && pe_class(e) == s->class && pe_kind(e) == s->kind);
        CHECK(pe_page(e) == (s->class != 0 || i == 0 ? i : 1));
    }
    CHECK(arena_of(s->base)->noscan == (s->kind == OBJ_NOSCAN));
    CHECK(s->meta == meta_of(arena_of(s->base), s->base));
}

static bool has_pointers_noted(struct span *s, uint32_t slot)
{
    if (has_types(s))
        return load_rlx(&s->u.types[slot]) != NULL;
    for (size_t w = slot * s->slot_bytes / 8; w < (slot + 1) * s->slot_bytes / 8; w++)
        if ((load_rlx(&s->meta->ptr[w / 64]) >> w % 64 & 1) != 0)
            return true;
    return false;
}

void span_check(struct span *s)
{
    CHECK(s->base % PAGE_BYTES == 0 && s->npages > 0);
    CHECK(load_rlx(&s->state) == SPAN_IN_USE);
    CHECK(load_rlx(&s->free_index) <= s->nslots);                               /* 1 */
    CHECK(s->nslots * s->slot_bytes <= s->npages * PAGE_BYTES);                 /* 4 */
    CHECK(s->class == 0 ? s->nslots == 1 : s->npages == class_pages[s->class]); /* 4 */
    CHECK(span_slot_of(s, s->base + s->nslots * s->slot_bytes - 1) == s->nslots - 1);
    check_pages(s);
    check_marks(s);
    for (uint32_t i = 0; (has_types(s) || has_ptr_bits(s)) && i < s->nslots; i++)
        CHECK(span_slot_taken(s, i) || in_cached_run(s, i) || !has_pointers_noted(s, i)); /* 3 */
}
