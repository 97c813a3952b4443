/* stack.c: stacks of goroutines.
 *
 * Owns    the reserved regions, their slots, and the depot of warm slots.
 * Holds   1. Each slot of a region below `nused` is in one of three places: taken, warm (in the
 *            depot; its head page is committed), or cold (in `cold`; nothing is committed).
 *         2. stack_each_head visits taken and warm slots only: a cold head is not touched, since
 *            touching it would cost a page.
 * Locks   pool.lock (rank stackpool). Regions are published once and never go away, so stack_head_at
 *         and stack_each_head walk them without the lock.
 * Order   region_of searches `order`, a copy of the regions sorted by address, without the lock. `changes`
 *         is odd while an entry is put in: who saw it change walks all regions instead.
 * Instead of a cache without bound: the depot remembers the fewest warm slots it held since the last
 *         trim; that many were not needed for a whole interval, and half of them go back.
 */
#include "stack/stack.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/track.h"
#include "conf/limits.h"
#include "os/os.h"

enum {
    WARM_UP = 32,
    CLASSES = 24,
    REGIONS_MAX = 65536,
    LINE_BYTES = 64,
    AHEAD = 6,
    AHEAD_LINES = 8
};

enum slot_state { SLOT_NEW = 0, SLOT_TAKEN, SLOT_WARM, SLOT_COLD };

struct region {
    /* const: */
    uintptr_t base;
    size_t slot_bytes;
    uint32_t nslots;
    uint32_t number;
    uint8_t class;
    /* lock+atomic: */
    au32 nused;
    /* lock: */
    uint8_t *state; /* enum slot_state; read without the lock */
    uint32_t *cold; /* indices of cold slots, a stack */
    /* atomic: */
    au32 *word; /* one per slot: stack_word */
    /* lock: */
    uint32_t ncold;
    struct region *next_of_class;
};

/* Kept in the head's memory while a slot is warm. */
struct warm {
    struct warm *next;
    struct stack stack;
};

static struct {
    size_t head_bytes, default_bytes;
    unsigned default_class;
    aptr *regions,
        *order; /* reserved: as arrays of ours the collector would scan them. Entries: lock+atomic */
    struct lock lock;
    /* lock: */
    struct region *class[CLASSES]; /* the newest region first */
    struct warm *warm[CLASSES];
    uint32_t nwarm[CLASSES], fewest[CLASSES];
    /* lock+atomic: */
    au32 ncold_taken; /* slots that cost their taker a page fault */
    au32 ncold_seen;  /* as many when stack_warm_up last helped */
    au32 nregions;
    au32 norder, changes;
} pool = {.lock = LOCK_INIT(stackpool)};

static unsigned class_of(size_t bytes)
{
    unsigned c = 0;
    while ((STACK_BYTES_MIN << c) < bytes)
        c++;
    return c;
}

void stack_init(size_t head_bytes, size_t default_bytes)
{
    if (default_bytes < STACK_BYTES_MIN)
        default_bytes = STACK_BYTES_MIN;
    pool.head_bytes = (head_bytes + LINE_BYTES - 1) & ~(size_t)(LINE_BYTES - 1);
    pool.default_class = class_of(default_bytes);
    pool.default_bytes = (size_t)STACK_BYTES_MIN << pool.default_class;
    if (pool.regions == NULL) {
        pool.regions = os_reserve(2 * REGIONS_MAX * sizeof(aptr));
        if (pool.regions == NULL)
            throw("runtime: cannot allocate memory");
        pool.order = pool.regions + REGIONS_MAX;
    }
}

size_t stack_default_bytes(void)
{
    return pool.default_bytes;
}

static uintptr_t slot_base(const struct region *r, uint32_t i)
{
    return r->base + (uintptr_t)i * r->slot_bytes;
}

static void *slot_head(const struct region *r, uint32_t i)
{
    uintptr_t end = slot_base(r, i) + r->slot_bytes;
    return (void *)(end - (i % STACK_COLOURS) * LINE_BYTES - pool.head_bytes);
}

static struct stack slot_stack(const struct region *r, uint32_t i)
{
    return (struct stack){slot_base(r, i) + STACK_GUARD_BYTES, (uintptr_t)slot_head(r, i),
                          r->number, i};
}

/* The new region takes its place in the order of addresses. */
static void put_in_order(struct region *r) REQUIRES(pool.lock)
{
    uint32_t i = load_rlx(&pool.norder);
    add_acq_rel(&pool.changes, 1u); /* pairs with region_of */
    for (; i > 0; i--) {
        struct region *before = load_rlx(&pool.order[i - 1]);
        if (before->base < r->base)
            break;
        store_rel(&pool.order[i], before);
    }
    store_rel(&pool.order[i], r);
    store_rel(&pool.norder, load_rlx(&pool.norder) + 1);
    add_acq_rel(&pool.changes, 1u);
}

/* A new region for a class; a smaller one where address space is short. NULL when there is none. */
static struct region *region_new(unsigned class) REQUIRES(pool.lock)
{
    uint32_t n = load_rlx(&pool.nregions);
    size_t slot = (size_t)STACK_BYTES_MIN << class;
    size_t bytes = slot > STACK_REGION_BYTES ? slot : STACK_REGION_BYTES;
    void *base = NULL;
    if (n == REGIONS_MAX)
        return NULL;
    for (; bytes >= slot; bytes /= 2)
        if ((base = os_reserve(bytes)) != NULL)
            break;
    if (base == NULL)
        return NULL;
    uint32_t nslots = (uint32_t)(bytes / slot);
    size_t meta = sizeof(struct region) + nslots * (sizeof(uint32_t) + sizeof(au32) + 1);
    struct region *r = os_reserve(meta);
    if (r == NULL) {
        os_unmap(base, bytes);
        return NULL;
    }
    os_no_huge_pages(base, bytes);
    r->base = (uintptr_t)base;
    r->slot_bytes = slot;
    r->nslots = nslots;
    r->class = (uint8_t) class;
    r->number = n;
    r->cold = (uint32_t *)(r + 1);
    r->word = (au32 *)(void *)(r->cold + nslots);
    r->state = (uint8_t *)(r->word + nslots);
    r->next_of_class = pool.class[class];
    pool.class[class] = r;
    store_rel(&pool.regions[n], r); /* pairs with region_at */
    store_rel(&pool.nregions, n + 1);
    put_in_order(r);
    return r;
}

static struct region *region_at(uint32_t i)
{
    return load_acq(&pool.regions[i]); /* pairs with region_new */
}

static void set_state(struct region *r, uint32_t i, enum slot_state s)
{
    __atomic_store_n(&r->state[i], (uint8_t)s, __ATOMIC_RELEASE);
}

static enum slot_state get_state(const struct region *r, uint32_t i)
{
    return __atomic_load_n((uint8_t *)(uintptr_t)&r->state[i], __ATOMIC_ACQUIRE);
}

/* Chooses a slot whose head page is untouched; false when there is no more address space. *fresh: it
 * was never used, and has no guard yet. */
static bool choose_cold(unsigned class, struct stack *s, bool *fresh) REQUIRES(pool.lock)
{
    for (struct region *r = pool.class[class];; r = r->next_of_class) {
        if (r == NULL && (r = region_new(class)) == NULL)
            return false;
        *fresh = r->ncold == 0;
        if (*fresh && load_rlx(&r->nused) == r->nslots)
            continue;
        uint32_t i = *fresh ? load_rlx(&r->nused) : r->cold[--r->ncold];
        if (*fresh)
            store_rel(&r->nused, i + 1); /* pairs with stack_each_head_part */
        *s = slot_stack(r, i);
        return true;
    }
}

/* What a chosen slot needs before it is used, outside the lock: the kernel is asked for a guard.
 * Without one (no mappings left, Linux before 6.13) the slot still works: an overflow then hits the
 * neighbour's slot; docs/internals/stacks.md. */
static void *prepare(const struct stack *s, bool fresh)
{
    struct region *r = region_at(s->region);
    if (fresh) {
        os_guard((void *)slot_base(r, s->slot), STACK_GUARD_BYTES);
        track_slot(s->lo, slot_base(r, s->slot) + r->slot_bytes);
    }
    set_state(r, s->slot, SLOT_TAKEN);
    return slot_head(r, s->slot);
}

static bool region_has(const struct region *r, uintptr_t addr)
{
    return r != NULL && addr - r->base < (uintptr_t)r->nslots * r->slot_bytes;
}

static struct region *region_search(uintptr_t addr)
{
    uint32_t lo = 0, hi = load_acq(&pool.norder);
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct region *r = load_acq(&pool.order[mid]);
        if (r->base <= addr)
            lo = mid;
        else
            hi = mid;
    }
    return hi == 0 ? NULL : load_acq(&pool.order[lo]);
}

static struct region *region_of(uintptr_t addr)
{
    uint32_t seen = load_acq(&pool.changes); /* pairs with put_in_order */
    struct region *found = region_search(addr);
    if (region_has(found, addr))
        return found;
    if ((seen & 1) == 0 && load_acq(&pool.changes) == seen)
        return NULL;
    uint32_t n = load_acq(&pool.nregions);
    for (uint32_t k = 0; k < n; k++) {
        struct region *r = region_at(k);
        if (region_has(r, addr))
            return r;
    }
    return NULL;
}

static struct warm *pop_warm(unsigned class) REQUIRES(pool.lock)
{
    struct warm *w = pool.warm[class];
    if (w == NULL)
        return NULL;
    pool.warm[class] = w->next;
    if (--pool.nwarm[class] < pool.fewest[class])
        pool.fewest[class] = pool.nwarm[class];
    return w;
}

void *stack_take(size_t bytes, struct stack *s, bool *cold)
{
    unsigned class = bytes == 0 ? pool.default_class : class_of(bytes);
    bool fresh = false, there = true;
    *cold = false;
    if (class >= CLASSES)
        return NULL;
    lock(&pool.lock);
    struct warm *w = pop_warm(class);
    if (w != NULL) {
        *s = w->stack;
    } else {
        *cold = true;
        there = choose_cold(class, s, &fresh);
        store_rlx(&pool.ncold_taken, load_rlx(&pool.ncold_taken) + 1);
    }
    unlock(&pool.lock);
    return there ? prepare(s, fresh) : NULL;
}

unsigned stack_take_warm(void **heads, unsigned n)
{
    unsigned got = 0;
    lock(&pool.lock);
    for (; got < n; got++)
        if ((heads[got] = pop_warm(pool.default_class)) == NULL)
            break;
    unlock(&pool.lock);
    for (unsigned i = 0; i < got; i++) {
        const struct stack *s = &((struct warm *)heads[i])->stack;
        set_state(region_at(s->region), s->slot, SLOT_TAKEN);
    }
    return got;
}

struct stack stack_of_warm(const void *head)
{
    return ((const struct warm *)head)->stack;
}

static struct warm *make_warm(void *head, const struct stack *s)
{
    struct stack keep = *s; /* lies in the head that is about to be overwritten */
    struct warm *w = head;
    struct region *r = region_at(keep.region);
    CHECK(slot_head(r, keep.slot) == head);
    set_state(r, keep.slot, SLOT_WARM);
    w->stack = keep;
    return w;
}

void stack_put(void *head, const struct stack *s)
{
    struct warm *w = make_warm(head, s);
    unsigned class = region_at(w->stack.region)->class;
    lock(&pool.lock);
    w->next = pool.warm[class];
    pool.warm[class] = w;
    pool.nwarm[class]++;
    unlock(&pool.lock);
}

void stack_put_many(void **heads, struct stack *const *stacks, unsigned n)
{
    struct warm *first = NULL, *last = NULL;
    for (unsigned i = n; i-- > 0;) {
        struct warm *w = make_warm(heads[i], stacks[i]);
        w->next = first;
        first = w;
        if (last == NULL)
            last = w;
    }
    if (n == 0)
        return;
    unsigned class = pool.default_class;
    lock(&pool.lock);
    last->next = pool.warm[class];
    pool.warm[class] = first;
    pool.nwarm[class] += n;
    unlock(&pool.lock);
}

bool stack_warm_up(void)
{
    void *heads[WARM_UP];
    struct stack stacks[WARM_UP], *at[WARM_UP];
    unsigned n = 0;
    uint32_t taken = load_rlx(&pool.ncold_taken);
    if (taken - load_rlx(&pool.ncold_seen) < WARM_UP)
        return false;
    store_rlx(&pool.ncold_seen, taken);
    for (; n < WARM_UP; n++) {
        bool fresh;
        lock(&pool.lock);
        bool there = choose_cold(pool.default_class, &stacks[n], &fresh);
        unlock(&pool.lock);
        if (!there)
            break;
        heads[n] = prepare(&stacks[n], fresh);
        at[n] = &stacks[n]; /* make_warm touches the page */
    }
    stack_put_many(heads, at, n);
    return n > 0;
}

static void make_cold(struct warm *w)
{
    struct region *r = region_at(w->stack.region);
    uint32_t i = w->stack.slot;
    uintptr_t lo = slot_base(r, i) + STACK_GUARD_BYTES;
    set_state(r, i, SLOT_COLD);
    os_decommit((void *)lo, slot_base(r, i) + r->slot_bytes - lo);
    lock(&pool.lock);
    r->cold[r->ncold++] = i;
    unlock(&pool.lock);
}

void stack_trim(unsigned max)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        lock(&pool.lock);
        uint32_t spare = (pool.fewest[class] + 1) / 2;
        unlock(&pool.lock);
        for (; spare > 0 && max > 0; spare--, max--) {
            lock(&pool.lock);
            struct warm *w = pop_warm(class);
            unlock(&pool.lock);
            if (w == NULL)
                break;
            make_cold(w);
        }
        lock(&pool.lock);
        pool.fewest[class] = pool.nwarm[class];
        unlock(&pool.lock);
    }
}

/* The head and the innermost frames of a goroutine that waits: each slot is on a page, and behind an entry
 * of the page tables, that nobody has looked at for long. */
static void prefetch_slot(const struct region *r, uint32_t i)
{
    const char *head = slot_head(r, i);
    for (int line = -AHEAD_LINES; line < 2; line++)
        __builtin_prefetch(head + line * LINE_BYTES);
}

static void each_taken(struct region *r, uint32_t from, uint32_t to,
                       void (*fn)(void *head, void *arg), void *arg)
{
    for (uint32_t i = from; i < to; i++) {
        if (i + AHEAD < to && get_state(r, i + AHEAD) == SLOT_TAKEN)
            prefetch_slot(r, i + AHEAD);
        if (get_state(r, i) == SLOT_TAKEN)
            fn(slot_head(r, i), arg);
    }
}

bool stack_any_taken(uintptr_t lo, uintptr_t hi)
{
    const struct region *r = region_of(lo);
    if (r == NULL)
        return false;
    uint32_t used = load_acq(&((struct region *)(uintptr_t)r)->nused); /* pairs with choose_cold */
    for (uint32_t i = (uint32_t)((lo - r->base) / r->slot_bytes); i < used && slot_base(r, i) < hi;
         i++)
        if (get_state(r, i) == SLOT_TAKEN)
            return true;
    return false;
}

/* The slots are dealt out in blocks, so that the parts are equal however many regions there are. */
void stack_each_head_part(unsigned part, unsigned parts, void (*fn)(void *head, void *arg),
                          void *arg)
{
    enum { BLOCK = 64 };
    uint32_t n = load_acq(&pool.nregions);
    unsigned turn = 0;
    for (uint32_t k = 0; k < n; k++) {
        struct region *r = region_at(k);
        uint32_t used = load_acq(&r->nused); /* pairs with choose_cold */
        for (uint32_t i = 0; i < used; i += BLOCK, turn++)
            if (turn % parts == part)
                each_taken(r, i, used - i < BLOCK ? used : i + BLOCK, fn, arg);
    }
}

void stack_each_head(void (*fn)(void *head, void *arg), void *arg)
{
    stack_each_head_part(0, 1, fn, arg);
}

void stack_each_region(void (*fn)(uintptr_t lo, uintptr_t hi, void *arg), void *arg)
{
    uint32_t n = load_acq(&pool.nregions);
    for (uint32_t k = 0; k < n; k++) {
        struct region *r = region_at(k);
        uint32_t used = load_acq(&r->nused); /* pairs with choose_cold */
        if (used > 0)
            fn(r->base, slot_base(r, used), arg);
    }
}

void *stack_head_at(uintptr_t addr, uintptr_t *slot_lo, uintptr_t *slot_end)
{
    struct region *r = region_of(addr);
    *slot_lo = *slot_end = 0;
    if (r == NULL)
        return NULL;
    uint32_t i = (uint32_t)((addr - r->base) / r->slot_bytes);
    if (i >= load_acq(&r->nused)) /* pairs with choose_cold */
        return NULL;
    *slot_lo = slot_base(r, i) + STACK_GUARD_BYTES;
    *slot_end = slot_base(r, i) + r->slot_bytes;
    return get_state(r, i) == SLOT_TAKEN ? slot_head(r, i) : NULL;
}

au32 *stack_word(const void *head)
{
    const struct region *r = region_of((uintptr_t)head);
    return r != NULL ? &r->word[((uintptr_t)head - r->base) / r->slot_bytes] : NULL;
}

uint64_t stack_count_taken(void)
{
    uint64_t n = 0;
    lock(&pool.lock);
    for (uint32_t k = 0; k < load_rlx(&pool.nregions); k++)
        n += load_rlx(&region_at(k)->nused) - region_at(k)->ncold;
    for (unsigned class = 0; class < CLASSES; class ++)
        n -= pool.nwarm[class];
    unlock(&pool.lock);
    return n;
}

/* Gives those of n pages back that are in memory. */
static size_t release_pages(uintptr_t lo, size_t n, const unsigned char *in_memory)
{
    size_t page = os_page_bytes(), bytes = 0;
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && (in_memory[i] & 1) != 0)
            i++;
        if (i > from && os_decommit((void *)(lo + from * page), (i - from) * page) == 0)
            bytes += (i - from) * page;
        if (i == from)
            i++;
    }
    return bytes;
}

size_t stack_release_below(const struct stack *s, uintptr_t sp)
{
    enum { AT_ONCE = 1024 };
    unsigned char in_memory[AT_ONCE];
    size_t page = os_page_bytes(), bytes = 0;
    uintptr_t lo = (s->lo + page - 1) & ~(uintptr_t)(page - 1);
    uintptr_t hi = sp & ~(uintptr_t)(page - 1);
    while (lo < hi) {
        size_t n = (hi - lo) / page < AT_ONCE ? (hi - lo) / page : AT_ONCE;
        if (os_pages_in_memory((void *)lo, n, in_memory) == 0)
            bytes += release_pages(lo, n, in_memory);
        lo += n * page;
    }
    return bytes;
}
