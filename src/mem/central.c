/* central.c: the spans of one size class and kind that no P has in its cache, and whose turn it is to
 * be swept.
 *
 * Owns    for each class and kind two sets of two lists: spans with a free slot and full ones; one
 *         set is swept, the other waits for it. Class 0 has the large objects. The sets are
 *         chosen by the parity of mem_gc.cycle, so that its step in mem_mark_end turns all at once.
 * Holds   1. a span in use is in one of these lists, in one cache, or in the hands of who sweeps it.
 *         2. what is in the swept set or in a cache has swept == cycle; what waits, cycle - 2; what
 *            somebody sweeps, cycle - 1. Only under the lock does a span leave the waiting set, so
 *            each is swept once.
 *         3. in the swept set `partial` has the spans with a free slot, `full` those without; in the
 *            other set only what the span looked like before.
 *         4. `waiting` is the number of spans that wait or are being swept, or more.
 * Locks   one per class and kind, rank central. The page heap is asked, and spans are swept, without
 *         it. mem_mark_start and mem_mark_end run with the world stopped and nobody sweeping.
 *
 *   pages_take --> cache --central_put--> swept set --central_take--> cache
 *                                            |  ^
 *                                mem_mark_end|  |gc_sweep_span
 *                                            v  |
 *                                         waiting set --gc_sweep_span--> pages_put
 */
#include "mem/mem.h"
#include "mem/mem_int.h"
#include "mem/up.h"

#include "base/check.h"

enum { CENTRALS = CLASSES * OBJ_KINDS };

struct central {
    struct lock lock; /* rank central */
    /* lock: */
    struct list partial[2], full[2]; /* by set */
    uint32_t n[2];                   /* spans in both lists of a set */
} ALIGNED(64);

/* Large objects first: they give back most. */
static struct central centrals[CLASSES][OBJ_KINDS];
static au64 waiting;
static au32 cursor; /* the centrals before it have nothing that waits */

static struct central *central_of(const struct span *s)
{
    return &centrals[s->class][s->kind];
}

static struct central *central_at(unsigned i)
{
    return &centrals[i / OBJ_KINDS][i % OBJ_KINDS];
}

static unsigned swept_set(void)
{
    return load_rlx(&mem_gc.cycle) >> 1 & 1;
}

static unsigned waiting_set(void)
{
    return swept_set() ^ 1;
}

void central_init(void)
{
    for (unsigned i = 0; i < CENTRALS; i++) {
        struct central *c = central_at(i);
        lock_init(&c->lock, central);
        for (int set = 0; set < 2; set++) {
            list_init(&c->partial[set]);
            list_init(&c->full[set]);
        }
    }
}

static struct span *pop(struct central *c, struct list *l, unsigned set) REQUIRES(c->lock)
{
    struct node *n = list_take_head(l);
    if (n == NULL)
        return NULL;
    c->n[set]--;
    return container_of(n, struct span, node);
}

/* The span is the caller's to sweep (2). */
static void begin_sweep(struct span *s)
{
    CHECK(load_rlx(&s->swept) + 2 == load_rlx(&mem_gc.cycle)); /* 2 */
    store_rlx(&s->swept, load_rlx(&mem_gc.cycle) - 1);
}

static struct span *pop_waiting(struct central *c) REQUIRES(c->lock)
{
    unsigned set = waiting_set();
    struct span *s = pop(c, &c->partial[set], set);
    if (s == NULL)
        s = pop(c, &c->full[set], set);
    if (s != NULL)
        begin_sweep(s);
    return s;
}

static void put_swept(struct central *c, struct span *s) REQUIRES(c->lock)
{
    unsigned set = swept_set();
    CHECK(load_rlx(&s->swept) == load_rlx(&mem_gc.cycle)); /* 2 */
    list_put_head(span_has_free(s) ? &c->partial[set] : &c->full[set], &s->node);
    c->n[set]++;
}

void central_put(struct span *s)
{
    struct central *c = central_of(s);
    lock(&c->lock);
    put_swept(c, s);
    unlock(&c->lock);
}

/* ---- sweeping */
/* False: nothing was alive in it, and it is gone. */
static bool sweep(struct span *s)
{
    if (!gc_sweep_span(s))
        return false;
    store_rel(&s->swept, load_rlx(&mem_gc.cycle)); /* pairs with mem_sweep_span */
    return true;
}

static void swept_are(unsigned n)
{
    if (n > 0)
        add_acq_rel(&waiting, -(uint64_t)n); /* pairs with mem_sweep_done */
}

/* Sweeps up to n spans of one class and kind; adds the pages of those that are gone. */
static unsigned sweep_some(struct central *c, unsigned n, size_t *npages)
{
    struct span *batch[SWEEP_BATCH];
    unsigned got = 0, left = 0;
    lock(&c->lock);
    while (got < n && got < SWEEP_BATCH && (batch[got] = pop_waiting(c)) != NULL)
        got++;
    unlock(&c->lock);
    for (unsigned i = 0; i < got; i++) {
        size_t pages = batch[i]->npages;
        if (sweep(batch[i]))
            batch[left++] = batch[i];
        else
            *npages += pages;
    }
    if (left > 0) {
        lock(&c->lock);
        while (left > 0)
            put_swept(c, batch[--left]);
        unlock(&c->lock);
    }
    swept_are(got);
    return got;
}

/* Sweeps up to n spans, until npages of the kind that the other kinds share pages with are free. */
static unsigned sweep_until(unsigned n, size_t npages, enum obj_kind kind)
{
    size_t noscan = 0, scan = 0, *room = kind == OBJ_NOSCAN ? &noscan : &scan;
    unsigned done = 0;
    while (done < n && *room < npages && load_acq(&waiting) != 0) { /* swept_are */
        uint32_t at = load_rlx(&cursor);
        if (at >= CENTRALS)
            break;
        size_t *to = at % OBJ_KINDS == OBJ_NOSCAN ? &noscan : &scan;
        unsigned got = sweep_some(central_at(at), n - done, to);
        if (got == 0)
            cas_acq_rel(&cursor, at, at + 1); /* pairs with itself: somebody else may have */
        done += got;
    }
    return done;
}

unsigned mem_sweep(unsigned n)
{
    return sweep_until(n, SIZE_MAX, OBJ_NOSCAN);
}

bool mem_sweep_done(void)
{
    return load_acq(&waiting) == 0; /* pairs with swept_are */
}

void central_make_room(size_t npages, enum obj_kind kind)
{
    size_t n = 4 * npages;
    if (!mem_sweep_done())
        sweep_until(n < 2 * SWEEP_BATCH ? 2 * SWEEP_BATCH
                                        : (unsigned)(n < UINT32_MAX ? n : UINT32_MAX),
                    npages, kind);
}

/* True: the caller is to sweep it. */
static bool claim(struct central *c, struct span *s)
{
    lock(&c->lock);
    bool mine = load_rlx(&s->swept) + 2 == load_rlx(&mem_gc.cycle);
    if (mine) {
        list_remove(&s->node);
        c->n[waiting_set()]--;
        begin_sweep(s);
    }
    unlock(&c->lock);
    return mine;
}

void mem_sweep_span(struct span *s)
{
    uint32_t cycle = load_rlx(&mem_gc.cycle);
    if (load_acq(&s->swept) == cycle) /* pairs with sweep */
        return;
    if (!claim(central_of(s), s)) {
        while (load_acq(&s->swept) != cycle &&
               load_acq(&s->state) == SPAN_IN_USE) /* sweep, pages_put */
            os_thread_yield();
        return;
    }
    if (sweep(s)) /* else all in it was dead */
        central_put(s);
    swept_are(1);
}

/* ---- taking */
static struct span *take_swept(struct central *c)
{
    lock(&c->lock);
    struct span *s = pop(c, &c->partial[swept_set()], swept_set());
    unlock(&c->lock);
    return s;
}

static struct span *take_waiting(struct central *c)
{
    lock(&c->lock);
    struct span *s = pop_waiting(c);
    unlock(&c->lock);
    return s;
}

/* Sweeps until a span has a free slot. NULL: none was found, or one was all free and its pages are to
 * be had. */
static struct span *take_by_sweeping(struct central *c, bool *gone)
{
    for (unsigned looks = 0; looks < SWEEP_LOOKS; looks++) {
        struct span *s = take_waiting(c);
        if (s == NULL)
            break;
        *gone = !sweep(s);
        swept_are(1);
        if (*gone)
            break;
        if (span_has_free(s))
            return s;
        central_put(s);
    }
    return NULL;
}

/* Before the heap grows, a few others are swept: what they leave may do, and garbage does not pile up
 * while something waits to be swept. */
static struct span *take_late(struct central *c, unsigned class, enum obj_kind kind)
{
    bool gone = false;
    struct span *s = take_by_sweeping(c, &gone);
    if (s != NULL || gone)
        return s;
    central_make_room(class_pages[class], kind);
    return take_swept(c);
}

struct span *central_take(unsigned class, enum obj_kind kind)
{
    struct central *c = &centrals[class][kind];
    struct span *s = take_swept(c);
    if (s == NULL && !mem_sweep_done())
        s = take_late(c, class, kind);
    return s != NULL ? s : pages_take(class_pages[class], class, kind);
}

/* ---- a cycle begins and ends */
void mem_mark_start(void)
{
    CHECK(mem_sweep_done() && load_rlx(&mem_gc.marking) == 0);
    store_rlx(&mem_gc.half, load_rlx(&mem_gc.half) ^ 1);
    store_rlx(&mem_gc.marking, 1u);
    cache_mark_all();
}

void mem_mark_end(void)
{
    uint64_t n = 0;
    mem_cache_flush_all();
    for (unsigned i = 0; i < CENTRALS; i++) {
        struct central *c = central_at(i);
        lock(&c->lock);
        CHECK(c->n[waiting_set()] == 0); /* mem_mark_start saw to it */
        n += c->n[swept_set()];
        unlock(&c->lock);
    }
    store_rlx(&mem_gc.marking, 0u);
    store_rlx(&mem_gc.cycle, load_rlx(&mem_gc.cycle) + 2);
    store_rlx(&cursor, 0u);
    store_rel(&waiting, n); /* pairs with mem_sweep_done */
}

/* ---- walks */
static void list_each(struct list *l, void (*fn)(struct span *s, void *arg), void *arg)
{
    for (struct node *n = l->head.next; n != &l->head; n = n->next)
        fn(container_of(n, struct span, node), arg);
}

void central_each(unsigned class, enum obj_kind kind, void (*fn)(struct span *s, void *arg),
                  void *arg)
{
    struct central *c = &centrals[class][kind];
    lock(&c->lock);
    for (int set = 0; set < 2; set++) {
        list_each(&c->partial[set], fn, arg);
        list_each(&c->full[set], fn, arg);
    }
    unlock(&c->lock);
}

struct list_is {
    struct central *c;
    unsigned set;
    bool full;
    uint32_t n;
};

static void check_listed(struct span *s, void *arg)
{
    struct list_is *is = arg;
    bool swept = is->set == swept_set();
    uint32_t cycle = load_rlx(&mem_gc.cycle);
    CHECK(central_of(s) == is->c && load_rlx(&s->slot) == NULL); /* 1 */
    CHECK(load_rlx(&s->swept) == (swept ? cycle : cycle - 2));   /* 2 */
    CHECK(!swept || span_has_free(s) != is->full);               /* 3 */
    span_check(s);
    is->n++;
}

static uint32_t check_set(struct central *c, unsigned set) REQUIRES(c->lock)
{
    struct list_is is = {.c = c, .set = set};
    list_each(&c->partial[set], check_listed, &is);
    is.full = true;
    list_each(&c->full[set], check_listed, &is);
    CHECK(is.n == c->n[set]);
    return is.n;
}

void central_check(void)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < CENTRALS; i++) {
        struct central *c = central_at(i);
        lock(&c->lock);
        check_set(c, swept_set());
        n += check_set(c, waiting_set());
        unlock(&c->lock);
    }
    CHECK(n == load_acq(&waiting)); /* 4 */
}
