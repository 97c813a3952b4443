/* span.c: a run of pages that holds objects of one size class and one kind.
 *
 * Owns    which slots of a span are given out, and what is known about pointers in them.
 * Holds   1. slots below free_index are handed out, or in the run of the cache that has the span.
 *         2. slots from free_index on are taken if taken_bits says so; without taken_bits, free.
 *         3. ptr_bits of a free slot are clear.
 *         4. class 0 has one slot; the others have what the table of classes says.
 * Locks   none. free_index belongs to the cache that holds the span, else to the lock of central.
 * Order   cache.c writes slot->next before slot->end; in_cached_run reads end before next, and then
 *         whether the span is still cached there. So it may take a free slot for an object, but
 *         never an object for a free slot.
 * Instead of a list linked through free slots: the objects stay zero from birth to use, a
 *         stray word in a free slot is never followed, and a run is consumed by an addition.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"

#include <string.h>

struct fixed span_structs = FIXED_INIT(sizeof(struct span), SYS_SPAN);

/* What a small precise span knows about pointers. Slots up to BITS_MAX live in spans of one page, a
 * bit for each word; larger slots are at most 14 to a span, a type for each. */
enum { PTR_WORDS = PAGE_BYTES / 8 / 64, TYPES_MAX = 16 };
_Static_assert(PTR_WORDS * sizeof(uint64_t) == TYPES_MAX * sizeof(void *), "one size for both");
static struct fixed pointer_tables = FIXED_INIT(PTR_WORDS * sizeof(uint64_t), SYS_GC);

static bool has_pointer_table(struct span *s)
{
    return s->kind == OBJ_PRECISE && s->class != 0;
}

void span_init(struct span *s, unsigned class, enum obj_kind kind)
{
    s->class = (uint8_t) class;
    s->kind = (uint8_t)kind;
    s->slot_bytes = class == 0 ? s->npages * PAGE_BYTES : class_bytes[class];
    s->nslots = class == 0 ? 1 : class_slots[class];
    s->magic = class == 0 ? 0 : UINT32_MAX / class_bytes[class] + 1;
    s->taken_bits = NULL;
    s->u.type = NULL;
    store_rlx(&s->free_index, 0u);
    store_rlx(&s->slot, (void *)NULL);
    if (has_pointer_table(s))
        s->u.ptr_bits = fixed_take(&pointer_tables);
}

void span_fini(struct span *s)
{
    if (has_pointer_table(s))
        fixed_put(&pointer_tables, s->u.ptr_bits);
    s->u.type = NULL;
}

static bool slot_bit(struct span *s, uint32_t slot)
{
    return s->taken_bits != NULL && (s->taken_bits[slot / 64] >> slot % 64 & 1) != 0;
}

/* The first free slot from `slot` on, nslots if there is none. */
static uint32_t next_free(struct span *s, uint32_t slot)
{
    if (s->taken_bits == NULL)
        return slot;
    while (slot < s->nslots) {
        uint64_t free = ~s->taken_bits[slot / 64] >> slot % 64;
        if (free != 0) {
            slot += (uint32_t)__builtin_ctzll(free);
            return slot < s->nslots ? slot : s->nslots;
        }
        slot = (slot / 64 + 1) * 64;
    }
    return s->nslots;
}

bool span_has_free(struct span *s)
{
    return next_free(s, load_rlx(&s->free_index)) < s->nslots;
}

static void clear_ptr_bits(struct span *s, uint32_t lo, uint32_t hi)
{
    if (!has_pointer_table(s) || s->slot_bytes > BITS_MAX)
        return;
    for (size_t w = lo * s->slot_bytes / 8; w < hi * s->slot_bytes / 8; w++)
        s->u.ptr_bits[w / 64] &= ~((uint64_t)1 << w % 64);
}

/* Old bytes are zeroed in small pieces, so that they are still in the cache when they are used. */
bool span_take_run(struct span *s, uintptr_t *lo, uintptr_t *hi)
{
    uint32_t first = next_free(s, load_rlx(&s->free_index));
    if (first >= s->nslots)
        return false;
    uint32_t end = first + 1, most = s->nslots;
    if (s->needzero && most - first > RUN_ZERO_BYTES / s->slot_bytes)
        most = first + (uint32_t)(RUN_ZERO_BYTES / s->slot_bytes);
    while (end < most && !slot_bit(s, end))
        end++;
    *lo = s->base + first * s->slot_bytes;
    *hi = s->base + end * s->slot_bytes;
    if (s->needzero)
        memset((void *)*lo, 0, *hi - *lo);
    if (s->taken_bits != NULL)
        clear_ptr_bits(s, first, end);
    store_rlx(&s->free_index, end);
    return true;
}

static bool in_cached_run(struct span *s, uint32_t slot)
{
    struct slot *c = load_acq(&s->slot); /* pairs with cache.c */
    if (c == NULL)
        return false;
    uintptr_t addr = s->base + slot * s->slot_bytes;
    uintptr_t end = load_acq(&c->end); /* pairs with run_publish */
    uintptr_t next = load_acq(&c->next);
    return addr >= next && addr < end && load_acq(&s->slot) == c; /* pairs with cache_drop_span */
}

bool span_slot_taken(struct span *s, uint32_t slot)
{
    if (slot >= load_acq(&s->free_index))
        return slot_bit(s, slot);
    return !in_cached_run(s, slot);
}

void span_check(struct span *s)
{
    CHECK(s->base % PAGE_BYTES == 0 && s->npages > 0);
    CHECK(load_rlx(&s->free_index) <= s->nslots);                               /* 1 */
    CHECK(s->nslots * s->slot_bytes <= s->npages * PAGE_BYTES);                 /* 4 */
    CHECK(s->class == 0 ? s->nslots == 1 : s->npages == class_pages[s->class]); /* 4 */
    CHECK(span_slot_of(s, s->base + s->nslots * s->slot_bytes - 1) == s->nslots - 1);
}
