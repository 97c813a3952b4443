/* roots.c: memory that holds pointers into the heap without being found by itself.
 *
 * Owns    the table of ranges that the program added; which large roots are tracked by dirty.c.
 *         The other roots are data segments of modules (os/modules.c) and the timers' arrays; stacks and
 *         thread-locals are stacks.c's.
 * Holds   1. len <= cap; entries [0, len) are the ranges added and not removed, in any order.
 *         2. A range is looked at only while it is in the table, or in a batch whose owner was not told
 *            that it is gone: gort_remove_roots returns when nobody looks at it any more.
 *         3. Of a tracked root every whole page was protected before roots_mark looked at it, and each
 *            write since is reported by roots_each_large's caller. What is not tracked, and partial pages
 *            at the ends, are looked at again in the last stop.
 *         4. A module that may be unloaded is never tracked, and is looked at in a copy that the kernel makes: a
 *            thread may unload it at any moment, one in a foreign call even in a stop.
 * Locks   `lock`, rank persist: nothing but memory for the table is asked for under it, and nothing is
 *         marked. Timers' arrays are looked at under their P's lock, a piece at a time.
 * Order   the owner of a batch says by store_rel(at) that it is done with entries below, read by load_acq
 *         in wait_for_batches.
 * Instead of scanning under the lock: a thread that adds or removes a small range would wait for others'
 *         large ones.
 *
 * A walk goes from the last entry to the first, since a removal moves the last entry into the hole:
 * entries that the walk has not met stay before it. Ranges that are added meanwhile are not met; the
 * last stop looks at them.
 */
#include "gc/gc_int.h"
#include "gc/scan.h"
#include "symb/symb.h"

#include <gort/mem.h>

#include <errno.h>

#include <string.h>

enum { COPIED_WORDS = 256 };

struct range {
    uintptr_t lo;
    size_t bytes;
    bool tracked;
};

/* What a marking thread is about to look at; on its stack. */
struct batch {
    /* lock: */
    struct batch *next;
    unsigned n;
    struct range range[ROOTS_BATCH];
    /* atomic: */
    au32 at;                /* entries below are done with */
    au32 gone[ROOTS_BATCH]; /* removed: not to be touched any more */
};

struct tracked {
    uintptr_t lo;
    size_t bytes;
};

static struct {
    struct lock lock; /* rank persist */
    /* lock: */
    struct range *range;
    size_t len, cap;
    struct batch *batches;
    /* leader; read by the gang while the leader waits for it: */
    const struct os_module *module;
    const struct os_tls *tls;
    size_t nmodules, ntls;
    struct tracked *bss; /* zeroed parts of segments */
    size_t nbss, bss_cap;
    struct tracked *timers; /* two for each P; bytes 0: not */
    size_t timers_cap;
    /* atomic: */
    au64 segment_bytes, range_bytes;
} roots = {.lock = LOCK_INIT(persist)};

static void *grown(void *table, size_t *cap, size_t want, size_t entry_bytes)
{
    if (want <= *cap)
        return table;
    size_t more = *cap == 0 ? 256 : *cap;
    while (more < want)
        more *= 2;
    void *bigger = mem_table_grow(table, *cap * entry_bytes, more * entry_bytes);
    if (bigger == NULL)
        throw("runtime: cannot allocate memory");
    *cap = more;
    return bigger;
}

/* ---- ranges come and go */
void gort_add_roots(void *p, size_t bytes)
{
    struct m *m = m_enter();
    lock(&roots.lock);
    roots.range = grown(roots.range, &roots.cap, roots.len + 1, sizeof *roots.range);
    roots.range[roots.len++] = (struct range){.lo = (uintptr_t)p, .bytes = bytes};
    unlock(&roots.lock);
    add_rlx(&roots.range_bytes, (uint64_t)bytes);
    m_leave(m);
}

static bool same(const struct range *a, const struct range *b)
{
    return a->lo == b->lo && a->bytes == b->bytes;
}

static bool roots_drop(const struct range *r) REQUIRES(roots.lock)
{
    for (size_t i = roots.len; i-- > 0;) { /* the newest first: most lives are short */
        if (same(&roots.range[i], r)) {
            roots.range[i] = roots.range[--roots.len];
            return true;
        }
    }
    return false;
}

/* If it was added twice, what is left is looked at again: whoever looked may have been told to stop. */
static void forget_tracking(const struct range *r) REQUIRES(roots.lock)
{
    for (size_t i = 0; i < roots.len; i++)
        if (same(&roots.range[i], r))
            roots.range[i].tracked = false;
}

static bool tell_batches(const struct range *r) REQUIRES(roots.lock)
{
    bool busy = false;
    for (struct batch *b = roots.batches; b != NULL; b = b->next) {
        for (unsigned i = load_acq(&b->at); i < b->n; i++) { /* pairs with batch_done */
            if (same(&b->range[i], r)) {
                store_rlx(&b->gone[i], 1u);
                busy = true;
            }
        }
    }
    return busy;
}

/* Until nobody looks at the range: a piece's time. */
static void wait_for_batches(const struct range *r) REQUIRES(roots.lock)
{
    if (!tell_batches(r))
        return;
    forget_tracking(r);
    do {
        unlock(&roots.lock);
        os_thread_yield();
        lock(&roots.lock);
    } while (tell_batches(r));
}

bool gort_remove_roots(void *p, size_t bytes)
{
    struct range r = {.lo = (uintptr_t)p, .bytes = bytes};
    struct m *m = m_enter();
    lock(&roots.lock);
    bool found = roots_drop(&r);
    if (found)
        wait_for_batches(&r);
    unlock(&roots.lock);
    if (found)
        add_rlx(&roots.range_bytes, (uint64_t)0 - bytes);
    m_leave(m);
    return found;
}

void roots_each(void (*fn)(void *lo, size_t bytes, void *arg), void *arg)
{
    lock(&roots.lock);
    for (size_t i = 0; i < roots.len; i++)
        fn((void *)roots.range[i].lo, roots.range[i].bytes, arg);
    unlock(&roots.lock);
}

/* ---- pieces: how large roots are shared between parts */
struct walk {
    unsigned part, parts;
    /* roots_mark: */
    struct marker *mk;
    bool all;
    /* roots_each_large: */
    enum roots_which which;
    roots_fn fn; /* NULL: roots_mark */
    void *arg;
};

static uintptr_t page_down(uintptr_t a)
{
    return a & ~(uintptr_t)(os_page_bytes() - 1);
}

static uintptr_t page_up(uintptr_t a)
{
    return page_down(a + os_page_bytes() - 1);
}

static uintptr_t piece_end(uintptr_t at, uintptr_t hi)
{
    uintptr_t end = (at | (ROOTS_PIECE_BYTES - 1)) + 1;
    return end < hi && end != 0 ? end : hi;
}

static bool is_mine(const struct walk *w, uintptr_t at)
{
    return at / ROOTS_PIECE_BYTES % w->parts == w->part;
}

/* Marks this part's pieces of [lo, hi), until told that they are gone. */
static void mark_pieces(const struct walk *w, uintptr_t lo, uintptr_t hi, au32 *gone)
{
    for (uintptr_t at = lo, end; at < hi; at = end) {
        end = piece_end(at, hi);
        if (gone != NULL && load_rlx(gone) != 0)
            return;
        if (is_mine(w, at))
            mark_range(w->mk, (const void *)at, (const void *)end, ROOT_DATA);
    }
}

/* The same for a root of which whole pages may be tracked. */
static void mark_root(const struct walk *w, uintptr_t lo, uintptr_t hi, bool tracked, au32 *gone)
{
    if (w->all || !tracked) {
        mark_pieces(w, lo, hi, gone);
        return;
    }
    mark_pieces(w, lo, page_up(lo), gone);
    mark_pieces(w, page_down(hi), hi, gone);
}

/* Calls w->fn for this part's pieces of the whole pages in [lo, hi); did it say yes to all? */
static bool each_piece(const struct walk *w, uintptr_t lo, uintptr_t hi, au32 *gone)
{
    bool yes = true;
    lo = page_up(lo);
    hi = page_down(hi);
    for (uintptr_t at = lo, end; at < hi; at = end) {
        end = piece_end(at, hi);
        if (gone != NULL && load_rlx(gone) != 0)
            break;
        if (is_mine(w, at))
            yes = w->fn(at, end, w->arg) && yes;
    }
    return yes;
}

/* ---- batches of ranges */
static bool batch_wants(const struct walk *w, const struct range *r)
{
    if (w->fn == NULL)
        return r->bytes > ROOTS_PIECE_BYTES || is_mine(w, r->lo) ||
               is_mine(w, r->lo + r->bytes - 1);
    return r->bytes >= ROOTS_TRACK_BYTES && (w->which == ROOTS_ALL || r->tracked);
}

/* The next ranges of the walk, from *left on downwards; false: there are no more. */
static bool batch_take(struct batch *b, const struct walk *w, size_t *left)
{
    b->n = 0;
    memset(b->gone, 0, sizeof b->gone);
    store_rlx(&b->at, 0u);
    lock(&roots.lock);
    if (*left > roots.len)
        *left = roots.len;
    while (*left > 0 && b->n < ROOTS_BATCH) {
        const struct range *r = &roots.range[--*left];
        if (r->bytes > 0 && batch_wants(w, r))
            b->range[b->n++] = *r;
    }
    if (b->n > 0) {
        b->next = roots.batches;
        roots.batches = b;
    }
    unlock(&roots.lock);
    return b->n > 0;
}

static void batch_done(struct batch *b)
{
    lock(&roots.lock);
    struct batch **at = &roots.batches;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    unlock(&roots.lock);
}

static void set_tracked(const struct range *r, bool tracked)
{
    lock(&roots.lock);
    for (size_t i = 0; i < roots.len; i++)
        if (same(&roots.range[i], r))
            roots.range[i].tracked = tracked;
    unlock(&roots.lock);
}

static void walk_range(const struct walk *w, struct batch *b, unsigned i)
{
    const struct range *r = &b->range[i];
    uintptr_t lo = r->lo, hi = r->lo + r->bytes;
    if (w->fn == NULL) {
        mark_root(w, lo, hi, r->tracked, &b->gone[i]);
        return;
    }
    bool can = w->which == ROOTS_TRACKED || os_written_can_track(page_up(lo), page_down(hi));
    bool tracked = can && each_piece(w, lo, hi, &b->gone[i]);
    if (w->which == ROOTS_ALL && load_rlx(&b->gone[i]) == 0)
        set_tracked(r, tracked);
}

static void walk_ranges(const struct walk *w)
{
    struct batch b;
    size_t left = SIZE_MAX;
    while (batch_take(&b, w, &left)) {
        for (unsigned i = 0; i < b.n; i++) {
            walk_range(w, &b, i);
            store_rel(&b.at, i + 1); /* pairs with tell_batches */
        }
        batch_done(&b);
    }
}

/* ---- data segments */
static size_t bss_bytes(const struct os_module *m)
{
    return m->hi - m->bss_lo;
}

/* The loader may have put other modules in the places of these: then the kernel knows nothing of their
 * pages, and dirty.c takes all of them as written. */
static bool is_tracked(const struct os_module *m)
{
    for (size_t i = 0; i < roots.nbss; i++)
        if (roots.bss[i].lo == m->bss_lo && roots.bss[i].bytes == bss_bytes(m))
            return true;
    return false;
}

static void track_module(const struct walk *w, const struct os_module *m)
{
    if (bss_bytes(m) >= ROOTS_TRACK_BYTES && each_piece(w, m->bss_lo, m->hi, NULL))
        roots.bss[roots.nbss++] = (struct tracked){m->bss_lo, bss_bytes(m)};
}

/* Looks at what is still there of [lo, hi). */
static void mark_copied(const struct walk *w, uintptr_t lo, uintptr_t hi)
{
    uintptr_t copy[COPIED_WORDS];
    for (uintptr_t at = lo, end; at < hi; at = end) {
        size_t want = hi - at < sizeof copy ? hi - at : sizeof copy;
        int64_t got = os_copy_memory(copy, at, want);
        if (got < 0 && got != -EFAULT) { /* not allowed */
            mark_range(w->mk, (const void *)at, (const void *)hi, ROOT_DATA);
            break;
        }
        end = (size_t)got == want ? at + want : page_up(at + 1);
        if (got > 0)
            mark_range(w->mk, copy, (const char *)copy + got, ROOT_DATA);
    }
    memset(copy, 0, sizeof copy); /* they would keep objects alive */
    compiler_barrier();
}

static void mark_unsteady(const struct walk *w, uintptr_t lo, uintptr_t hi)
{
    lo = (lo + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    for (uintptr_t at = lo, end; at < hi; at = end) {
        end = piece_end(at, hi);
        if (is_mine(w, at))
            mark_copied(w, at, end);
    }
}

static void walk_module(const struct walk *w, const struct os_module *m)
{
    if (!symb_stays(m->lo)) {
        if (w->fn == NULL && w->mk->wanted == NULL)
            mark_unsteady(w, m->lo, m->hi);
        else if (w->fn == NULL) /* the place is wanted, and nothing runs */
            mark_pieces(w, m->lo, m->hi, NULL);
    } else if (w->fn != NULL && w->which == ROOTS_ALL) {
        track_module(w, m);
    } else if (w->fn != NULL) {
        if (is_tracked(m))
            each_piece(w, m->bss_lo, m->hi, NULL);
    } else {
        mark_pieces(w, m->lo, m->bss_lo, NULL);
        mark_root(w, m->bss_lo, m->hi, is_tracked(m), NULL);
    }
}

static void walk_modules(const struct walk *w)
{
    if (w->fn != NULL && w->which == ROOTS_ALL)
        roots.nbss = 0;
    for (size_t i = 0; i < roots.nmodules; i++)
        walk_module(w, &roots.module[i]);
}

/* ---- timers: each P has two arrays that hold the only reference to many a timer */
struct array {
    uintptr_t lo;
    size_t bytes; /* in use */
    size_t room;  /* in all */
};

static struct array timers_array(const struct timers *ts, unsigned which)
{
    if (which == 0)
        return (struct array){(uintptr_t)ts->heap, ts->len * sizeof *ts->heap,
                              ts->cap * sizeof *ts->heap};
    return (struct array){(uintptr_t)ts->fresh, ts->nfresh * sizeof *ts->fresh,
                          ts->fresh_cap * sizeof *ts->fresh};
}

/* Timers move within the arrays between the pieces, and may be missed: the last stop finds them, since
 * to move is to write. */
static void mark_timers(const struct walk *w, struct timers *ts, unsigned which,
                        const struct tracked *t)
{
    bool more = true;
    for (size_t at = 0; more; at += ROOTS_PIECE_BYTES) {
        lock(&ts->lock);
        struct array a = timers_array(ts, which);
        bool tracked = !w->all && t->bytes > 0 && t->lo == a.lo && t->bytes == a.room;
        more = at < a.bytes && !tracked;
        size_t end = at + ROOTS_PIECE_BYTES < a.bytes ? at + ROOTS_PIECE_BYTES : a.bytes;
        if (more)
            mark_range(w->mk, (const void *)(a.lo + at), (const void *)(a.lo + end), ROOT_DATA);
        unlock(&ts->lock);
    }
}

static void track_timers(const struct walk *w, struct timers *ts, unsigned which, struct tracked *t)
{
    lock(&ts->lock);
    struct array a = timers_array(ts, which);
    if (w->which == ROOTS_ALL) {
        bool can = a.room >= ROOTS_TRACK_BYTES && each_piece(w, a.lo, a.lo + a.room, NULL);
        *t = can ? (struct tracked){a.lo, a.room} : (struct tracked){0, 0};
    } else if (t->bytes > 0 && t->lo == a.lo && t->bytes == a.room) {
        each_piece(w, a.lo, a.lo + a.room, NULL);
    }
    unlock(&ts->lock);
}

static void walk_timers_of(struct p *p, void *arg)
{
    const struct walk *w = arg;
    struct tracked none = {0, 0};
    for (unsigned which = 0; which < 2; which++) {
        size_t i = 2 * (size_t)p->id + which;
        struct tracked *t = i < roots.timers_cap ? &roots.timers[i] : &none;
        if (w->fn != NULL)
            track_timers(w, &p->timers, which, t);
        else if (p->id % w->parts == w->part)
            mark_timers(w, &p->timers, which, t);
    }
}

/* ---- all of them */
static void count_p(struct p *p, void *arg)
{
    (void)p;
    ++*(size_t *)arg;
}

void roots_list(void)
{
    size_t ps = 0;
    uint64_t bytes = 0;
    os_modules(&roots.module, &roots.nmodules, &roots.tls, &roots.ntls);
    for (size_t i = 0; i < roots.nmodules; i++)
        bytes += roots.module[i].hi - roots.module[i].lo;
    store_rlx(&roots.segment_bytes, bytes);
    roots.bss = grown(roots.bss, &roots.bss_cap, roots.nmodules, sizeof *roots.bss);
    sched_each_p(count_p, &ps);
    roots.timers = grown(roots.timers, &roots.timers_cap, 2 * ps, sizeof *roots.timers);
}

bool roots_current(void)
{
    if (os_modules_current())
        return true;
    os_modules_forget();
    return false;
}

void roots_tls(const struct os_tls **tls, size_t *n)
{
    *tls = roots.tls;
    *n = roots.ntls;
}

static void walk_all(struct walk *w)
{
    walk_modules(w);
    walk_ranges(w);
    sched_each_p(walk_timers_of, w);
}

void roots_mark(struct marker *mk, unsigned part, unsigned parts, bool all)
{
    struct walk w = {.part = part, .parts = parts, .mk = mk, .all = all};
    walk_all(&w);
}

void roots_each_large(enum roots_which which, unsigned part, unsigned parts, roots_fn fn, void *arg)
{
    struct walk w = {.part = part, .parts = parts, .which = which, .fn = fn, .arg = arg};
    walk_all(&w);
}

size_t roots_bytes(void)
{
    return (size_t)(load_rlx(&roots.segment_bytes) + load_rlx(&roots.range_bytes));
}
