/* functab.c: answers, found again without a lock.
 *
 * Owns    a table of answers by pc that only grows, and functions, one object for each entry and name.
 * Holds   1. an answer never changes and never goes, once it is in a table.
 *         2. it is void when its module's epoch is another one; then the next answer for its pc takes its
 *            place in the table.
 *         3. at most ANSWERS_MAX are made, whatever is asked: what comes later is worked out each time.
 * Locks   rank symb for writers. Readers: a slot is published by store_rel, a larger table too; a reader of
 *         the old one misses the newest answers and asks again.
 */
#include "symb/functab.h"

#include "base/check.h"

#include "conf/limits.h"
#include "mem/mem.h"

/* A slot is an answer's address and, above it, what tells most other pcs apart without a look at it. */
struct table {
    size_t cap; /* a power of two; at most two thirds of it are used */
    au64 slot[];
};
enum { MARK_SHIFT = 48 };
static aptr answers; /* struct table */
static size_t nslots_used, nanswers;

static struct {
    const struct symb_func **slot;
    size_t cap, n;
} funcs;

enum { FIRST_SLOTS = 2048 };

static uint64_t hash_pc(uintptr_t pc)
{
    return (uint64_t)pc * 0x9E3779B97F4A7C15ull;
}

static size_t first_slot(uint64_t hash)
{
    return (size_t)(hash >> 20);
}

static const struct symb_answer *answer_in(uint64_t slot)
{
    return (const struct symb_answer *)(uintptr_t)(slot & (((uint64_t)1 << MARK_SHIFT) - 1));
}

static bool is_of(uint64_t slot, uint64_t hash, uintptr_t pc)
{
    return (slot ^ hash) >> MARK_SHIFT == 0 && answer_in(slot)->pc == pc;
}

static bool valid(const struct symb_answer *a)
{
    return a->module == NULL || load_rlx(&a->module->epoch) == a->epoch;
}

const struct symb_answer *functab_find(uintptr_t pc)
{
    struct table *t = load_acq(&answers); /* pairs with grow */
    if (t == NULL)
        return NULL;
    uint64_t hash = hash_pc(pc);
    for (size_t i = first_slot(hash);; i++) {
        uint64_t slot = load_acq(&t->slot[i & (t->cap - 1)]); /* functab_keep */
        if (slot == 0)
            return NULL;
        if (is_of(slot, hash, pc))
            return valid(answer_in(slot)) ? answer_in(slot) : NULL;
    }
}

static au64 *slot_of(struct table *t, uintptr_t pc)
{
    uint64_t hash = hash_pc(pc);
    for (size_t i = first_slot(hash);; i++) {
        au64 *slot = &t->slot[i & (t->cap - 1)];
        if (load_rlx(slot) == 0 || is_of(load_rlx(slot), hash, pc))
            return slot;
    }
}

/* The old table stays: somebody may be reading it. All of them together are as large as the last one. */
static bool grow(struct table *old)
{
    size_t cap = old == NULL ? FIRST_SLOTS : 2 * old->cap;
    struct table *t = mem_table_grow(NULL, 0, sizeof *t + cap * sizeof t->slot[0]);
    if (t == NULL)
        return false;
    t->cap = cap;
    memset(t->slot, 0, cap * sizeof t->slot[0]); /* a page that is read first is faulted in twice */
    for (size_t i = 0; old != NULL && i < old->cap; i++) {
        uint64_t slot = load_rlx(&old->slot[i]);
        if (slot != 0)
            store_rlx(slot_of(t, answer_in(slot)->pc), slot);
    }
    store_rel(&answers, t);
    return true;
}

const struct symb_answer *functab_keep(const struct symb_answer *a)
{
    struct table *t = load_rlx(&answers);
    if (nanswers >= SYMB_ANSWERS_MAX || ((t == NULL || 3 * nslots_used >= 2 * t->cap) && !grow(t)))
        return NULL;
    size_t bytes = offsetof(struct symb_answer, line) + a->n * sizeof a->line[0];
    struct symb_answer *copy = pool_take(&immortal, bytes);
    if (copy == NULL)
        return NULL;
    CHECK((uintptr_t)copy >> MARK_SHIFT == 0);
    memcpy(copy, a, bytes);
    au64 *slot = slot_of(load_rlx(&answers), a->pc);
    uint64_t mark = hash_pc(a->pc) >> MARK_SHIFT << MARK_SHIFT;
    nslots_used += load_rlx(slot) == 0;
    nanswers++;
    store_rel(slot, mark | (uintptr_t)copy); /* pairs with functab_find */
    return copy;
}

/* ---- functions */
static const struct symb_func **func_slot(const struct symb_func **slot, size_t cap,
                                          const char *name, uintptr_t entry)
{
    for (size_t i = first_slot(hash_pc(entry ^ (uintptr_t)name));; i++) {
        const struct symb_func **at = &slot[i & (cap - 1)];
        if (*at == NULL || ((*at)->entry == entry && (*at)->name == name))
            return at;
    }
}

static bool funcs_grow(void)
{
    size_t cap = funcs.cap == 0 ? FIRST_SLOTS : 2 * funcs.cap;
    const struct symb_func **slot = mem_table_grow(NULL, 0, cap * sizeof slot[0]);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < funcs.cap; i++) {
        const struct symb_func *f = funcs.slot[i];
        if (f != NULL)
            *func_slot(slot, cap, f->name, f->entry) = f;
    }
    if (funcs.cap > 0)
        mem_table_grow(funcs.slot, funcs.cap * sizeof slot[0], 0);
    funcs.slot = slot;
    funcs.cap = cap;
    return true;
}

const struct symb_func *functab_func(const char *name, uintptr_t entry)
{
    if (3 * (funcs.n + 1) > 2 * funcs.cap && !funcs_grow())
        return NULL;
    const struct symb_func **at = func_slot(funcs.slot, funcs.cap, name, entry);
    if (*at != NULL)
        return *at;
    struct symb_func *f = pool_take(&immortal, sizeof *f);
    if (f == NULL)
        return NULL;
    *f = (struct symb_func){.name = name, .entry = entry};
    funcs.n++;
    return *at = f;
}
