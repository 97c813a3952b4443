/* stacks.c: what goroutines and threads hold.
 *
 * Owns    which words of stacks, registers and thread-locals are looked at, and when; giving back what
 *         lies below the stacks of those that wait for long.
 * Holds   A stack is write-tracked, so what is said of the heap holds for it: what was looked at after
 *         it was protected and is not written again needs no second look.
 *         1. When the world stops for the beginning of a cycle, each goroutine's context says where its
 *            stack ends (also of one stopped by a signal: preempt.c), but for loose threads (stw.c).
 *         2. A frame that is live at the end and was not written since that stop existed then, so it lies
 *            above each stack pointer that the context has held since. So stacks_mark_parked may read any
 *            of them, at any time, whether the goroutine runs by now or not.
 *         3. Of a written page all is looked at, unless the goroutine is parked: then what is below its
 *            stack pointer is dead, and is written when it comes to life.
 *         4. What threads run is looked at from its exact stack pointer, in the last stop. Thread-locals,
 *            signal stacks and stacks that threads brought with them are not tracked: only then.
 * Locks   none.
 *
 * A thread in a foreign call (gort_cgocall) may compute all the time: no signal disturbs it. Where its
 * stack ends is not known then, and all of it that is in memory is looked at. As in Go, what such code
 * alone knows of, in registers or by writing to objects during the stop, is not safe.
 */
#include "gc/scan.h"

#include "base/track.h"
#include "conf/conf.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>

enum { PARTS_MAX = 64 };

/* What the last cycle found, by part: for stacks_bytes. */
static struct {
    au64 bytes, count;
} found[PARTS_MAX];

/* Under valgrind: by way of a copy, of which it is told that all words have values. Else what is counted
 * and marked for a stray word would have none either. */
static COLD void mark_copy(struct marker *mk, const uintptr_t *lo, const uintptr_t *hi,
                           enum root_kind kind)
{
    uintptr_t copy[256];
    while (lo < hi) {
        size_t n = (size_t)(hi - lo) < ARRAY_LEN(copy) ? (size_t)(hi - lo) : ARRAY_LEN(copy);
        memcpy(copy, lo, n * sizeof copy[0]);
        track_has_value(copy, sizeof copy);
        mark_range(mk, copy, copy + n, kind);
        lo += n;
    }
}

static void mark_words(struct marker *mk, uintptr_t lo, uintptr_t hi, enum root_kind kind)
{
    lo = (lo + sizeof(void *) - 1) & ~(uintptr_t)(sizeof(void *) - 1);
    if (track_is(TRACK_VALGRIND) && lo < hi)
        mark_copy(mk, (const uintptr_t *)lo, (const uintptr_t *)(hi & ~(uintptr_t)7), kind);
    else if (lo < hi)
        mark_range(mk, (const void *)lo, (const void *)hi, kind);
}

/* Is the page at `at` to be looked at? Yes if the kernel does not say, but for one that cannot be read. */
static bool page_may_hold(uintptr_t at)
{
    unsigned char in_memory = 0;
    int r = os_pages_in_memory((void *)at, 1, &in_memory);
    if (r == 0)
        return (in_memory & 1) != 0;
    return r != -ENOMEM && os_can_read(at);
}

/* The pages of [lo, hi) that are in memory: where nobody can say where a stack ends. Some may not be
 * mapped at all. */
static void mark_in_memory(struct marker *mk, uintptr_t lo, uintptr_t hi)
{
    enum { AT_ONCE = 64 };
    unsigned char in_memory[AT_ONCE];
    size_t page = os_page_bytes(), n;
    for (uintptr_t at = lo & ~(uintptr_t)(page - 1); at < hi; at += n * page) {
        n = (hi - at + page - 1) / page;
        if (n > AT_ONCE)
            n = AT_ONCE;
        if (os_pages_in_memory((void *)at, n, in_memory) != 0) {
            n = 1;
            in_memory[0] = page_may_hold(at);
        }
        for (size_t i = 0; i < n; i++) {
            uintptr_t from = at + i * page, to = from + page;
            if ((in_memory[i] & 1) != 0)
                mark_words(mk, from < lo ? lo : from, to > hi ? hi : to, ROOT_STACK);
        }
    }
}

/* From sp up, if it lies in [lo, hi]. */
static void mark_stack(struct marker *mk, uintptr_t lo, uintptr_t hi, uintptr_t sp)
{
    if (sp < lo || sp > hi)
        mark_in_memory(mk, lo, hi);
    else
        mark_words(mk, sp, hi, ROOT_STACK);
}

static uintptr_t head_end(const struct g *g)
{
    return (uintptr_t)(g + 1);
}

static bool lives(const struct g *g)
{
    uint32_t s = load_acq(&g->status); /* pairs with g_new */
    return s != G_DEAD && s != G_IDLE;
}

/* Is it what its thread runs, or has parked in place? */
static bool on_thread(const struct g *g)
{
    struct m *m = load_acq(&g->m);
    return m != NULL && load_acq(&m->curg) == g;
}

/* Where its stack ended when it last left it. While it runs that may be gone: invariant 2. */
LOOKS static uintptr_t last_sp(const struct g *g)
{
    uintptr_t cgo_sp = load_acq(&g->cgo_sp); /* pairs with gort_cgocall */
    return cgo_sp != 0 ? cgo_sp : __atomic_load_n(&g->ctx.sp, __ATOMIC_ACQUIRE);
}

/* AddressSanitizer keeps frames elsewhere, where the collector has no other way to; the stack of
 * `g` points to those that are live. Only with the world stopped (gc_init). */
LOOKS static void mark_fake_frames(struct marker *mk, const struct g *g)
{
    uintptr_t sp = last_sp(g), lo, hi;
    void *fake = g->fake_stack;
    if (fake == NULL || on_thread(g) || sp < g->stack.lo || sp > g->stack.hi)
        sp = g->stack.lo;
    for (uintptr_t at = sp & ~(uintptr_t)7; fake != NULL && at < head_end(g);
         at += sizeof(uintptr_t))
        if (track_fake_frame(fake, *(const uintptr_t *)at, &lo, &hi))
            mark_words(mk, lo, hi, ROOT_STACK);
}

/* ---- all goroutines */
struct walk {
    struct marker *mk;
    uint64_t bytes, count;
    bool stopped;                              /* leaves those on threads to stacks_mark_threads */
    bool (*leave_out)(struct g *g, void *arg); /* NULL: nobody */
    void *arg;
};

LOOKS static void mark_head(void *head, void *arg)
{
    struct walk *w = arg;
    struct g *g = head;
    uintptr_t page = os_page_bytes();
    if (!lives(g) || (uintptr_t)g != g->stack.hi || (w->stopped && on_thread(g)) ||
        (w->leave_out != NULL && w->leave_out(g, w->arg)))
        return;
    uintptr_t sp = last_sp(g);
    mark_stack(w->mk, g->stack.lo, head_end(g), sp);
    if (track_is(TRACK_FAKES))
        mark_fake_frames(w->mk, g);
    if (sp < g->stack.lo || sp > g->stack.hi)
        sp = g->stack.lo;
    w->bytes += ((head_end(g) - 1) / page - sp / page + 1) * page;
    w->count++;
}

static void mark_heads(struct marker *mk, unsigned part, unsigned parts, bool stopped)
{
    struct walk w = {.mk = mk, .stopped = stopped};
    stack_each_head_part(part, parts, mark_head, &w);
    store_rlx(&found[part % PARTS_MAX].bytes, w.bytes);
    store_rlx(&found[part % PARTS_MAX].count, w.count);
}

/* The exception of invariant 1: a slot's memory is there whoever has it by now. */
static void mark_loose(struct m *m, void *arg)
{
    const struct g *g = m->loose ? m->loose_g : NULL;
    if (g != NULL && !g->foreign)
        mark_in_memory(arg, g->stack.lo, head_end(g));
}

void stacks_mark_parked(struct marker *mk, unsigned part, unsigned parts)
{
    mark_heads(mk, part, parts, false);
    if (part == 0)
        sched_each_m(mark_loose, mk);
}

/* ---- written pages */

/* Of a slot, what may be live of [lo, hi). */
LOOKS static void mark_written_slot(struct marker *mk, const struct g *g, uintptr_t lo,
                                    uintptr_t hi)
{
    bool stopped = load_seq(&gc.phase) == GC_TERM;
    if (!lives(g) || (stopped && on_thread(g)))
        return; /* stacks_mark_threads looks at it */
    if (stopped || g_is_parked(g)) {
        uintptr_t sp = last_sp(g);
        if (sp >= g->stack.lo && sp <= g->stack.hi && sp > lo)
            lo = sp;
    }
    mark_words(mk, lo, hi < head_end(g) ? hi : head_end(g), ROOT_STACK);
}

void stacks_mark_written(struct marker *mk, uintptr_t lo, uintptr_t hi)
{
    while (lo < hi) {
        uintptr_t slot_lo, slot_end;
        const struct g *g = stack_head_at(lo, &slot_lo, &slot_end);
        if (slot_end == 0)
            return; /* beyond the slots ever used */
        uintptr_t from = lo > slot_lo ? lo : slot_lo, to = hi < slot_end ? hi : slot_end;
        if (g != NULL && from < to)
            mark_written_slot(mk, g, from, to);
        lo = slot_end;
    }
}

/* ---- threads */

/* The part of the signal stack above the handler: the kernel's frame has all registers, and if the
 * interrupted code was itself a handler, its frames follow. */
static void mark_signal_frame(struct marker *mk, const struct m *m, const void *ucontext)
{
    const ucontext_t *u = ucontext;
    uintptr_t lo = (uintptr_t)u, base = (uintptr_t)u->uc_stack.ss_sp;
    if (lo >= m->signal_lo && lo < m->signal_hi)
        mark_words(mk, lo, m->signal_hi, ROOT_STACK);
    else if (lo - base < u->uc_stack.ss_size)
        mark_words(mk, lo, base + u->uc_stack.ss_size, ROOT_STACK);
    else /* on the interrupted stack itself */
        mark_words(mk, lo, arch_ucontext_regs(u).sp, ROOT_STACK);
}

/* Where the stack that the thread is on ends; 0: not known. */
static uintptr_t thread_sp(const struct m *m, const struct g *g)
{
    uintptr_t sp;
    if (g->sigctx != NULL)
        sp = arch_ucontext_regs(g->sigctx).sp;
    else if (m->loose || (g->in_cgo && load_rlx(&m->blocked) == 0))
        sp = os_thread_sleeping_sp(m->tid);
    else
        return g->ctx.sp;
    return sp == 0 ? 0 : sp - ARCH_RED_ZONE_BYTES;
}

static void mark_thread_locals(struct marker *mk, uintptr_t tp)
{
    const struct os_tls *t;
    uintptr_t lo, hi;
    size_t n;
    os_tls_static(tp, &lo, &hi);
    mark_words(mk, lo, hi, ROOT_DATA);
    roots_tls(&t, &n);
    for (size_t i = 0; i < n; i++) {
        uintptr_t block = os_tls_block(tp, t[i].id);
        if (block != 0 && (block < lo || block >= hi))
            mark_words(mk, block, block + t[i].bytes, ROOT_DATA);
    }
}

static void mark_running(struct marker *mk, const struct m *m, const struct g *g)
{
    uintptr_t sp = thread_sp(m, g), cgo_sp = load_acq(&g->cgo_sp);
    mark_words(mk, (uintptr_t)g, head_end(g), ROOT_STACK); /* g->ctx, too */
    if (g->sigctx != NULL)
        mark_signal_frame(mk, m, g->sigctx);
    if (track_is(TRACK_FAKES))
        mark_fake_frames(mk, g);
    if (cgo_sp != 0) {
        mark_stack(mk, g->stack.lo, g->stack.hi, (uintptr_t)cgo_sp);
        mark_stack(mk, m->g0.stack.lo, m->g0.stack.hi, sp);
    } else {
        mark_stack(mk, g->stack.lo, g->stack.hi, sp);
    }
}

struct threads {
    struct marker *mk;
    unsigned part, parts, at;
};

static void mark_thread(struct m *m, void *arg)
{
    struct threads *t = arg;
    if (t->at++ % t->parts != t->part)
        return;
    const struct g *g = m_user_g(m);
    uintptr_t tp = (uintptr_t)load_rlx(&m->thread_pointer); /* a thread may just begin */
    if (tp != 0)
        mark_thread_locals(t->mk, tp);
    if (g != NULL)
        mark_running(t->mk, m, g);
}

void stacks_mark_threads(struct marker *mk, unsigned part, unsigned parts)
{
    struct threads t = {.mk = mk, .part = part, .parts = parts};
    sched_each_m(mark_thread, &t);
}

void stacks_mark_all(struct marker *mk, unsigned part, unsigned parts)
{
    mark_heads(mk, part, parts, true);
    stacks_mark_threads(mk, part, parts);
}

void stacks_mark_but(struct marker *mk, bool (*leave_out)(struct g *g, void *arg), void *arg)
{
    struct walk w = {.mk = mk, .stopped = true, .leave_out = leave_out, .arg = arg};
    stack_each_head_part(0, 1, mark_head, &w);
}

void stacks_mark_one(struct marker *mk, const struct g *g)
{
    struct walk w = {.mk = mk, .stopped = true};
    mark_head((void *)(uintptr_t)g, &w);
}

uint64_t stacks_bytes(void)
{
    uint64_t bytes = 0, count = 0, taken = stack_count_taken();
    for (unsigned i = 0; i < PARTS_MAX; i++) {
        bytes += load_rlx(&found[i].bytes);
        count += load_rlx(&found[i].count);
    }
    return count == 0 ? taken * os_page_bytes()
                      : (uint64_t)((double)bytes / (double)count * (double)taken);
}

/* ---- giving back
 *
 * A goroutine that has waited since before the last cycle gives back the pages below its stack pointer.
 * Who waits, and for how long, is looked at while the program runs; then the world is stopped for a
 * moment, so that none of them begins to run while its pages go. */
enum { SHRINK_LOOK = 8192, SHRINK_AT_ONCE = 16, SHRINK_BATCHES = 8 };

struct shrink {
    /* those that have waited since before: */
    int64_t since_ns;
    unsigned n;
    struct waiter {
        struct g *g;
        int64_t since_ns;
        uintptr_t sp;
    } waiter[SHRINK_AT_ONCE * SHRINK_BATCHES];
};

static bool any_in_memory(uintptr_t lo, uintptr_t hi)
{
    enum { AT_ONCE = 1024 };
    unsigned char in_memory[AT_ONCE];
    size_t page = os_page_bytes(), n;
    lo = (lo + page - 1) & ~(uintptr_t)(page - 1);
    for (hi &= ~(uintptr_t)(page - 1); hi > lo; hi -= n * page) { /* what was used last first */
        n = (hi - lo) / page < AT_ONCE ? (hi - lo) / page : AT_ONCE;
        if (os_pages_in_memory((void *)(hi - n * page), n, in_memory) != 0)
            return false;
        for (size_t i = 0; i < n; i++)
            if ((in_memory[i] & 1) != 0)
                return true;
    }
    return false;
}

LOOKS static bool waits(const struct g *g, int64_t since_ns, uintptr_t sp)
{
    return load_rlx(&g->status) == G_WAITING && load_rlx(&g->wait_since) == since_ns &&
           g_is_parked(g) && last_sp(g) == sp && sp >= g->stack.lo && sp <= g->stack.hi;
}

LOOKS static void look_at_waiter(void *head, void *arg)
{
    struct shrink *s = arg;
    struct g *g = head;
    int64_t since = load_rlx(&g->wait_since);
    uintptr_t sp = last_sp(g);
    if (s->n < ARRAY_LEN(s->waiter) && since > 0 && since <= s->since_ns && waits(g, since, sp) &&
        any_in_memory(g->stack.lo, sp))
        s->waiter[s->n++] = (struct waiter){g, since, sp};
}

static void release_batch(const struct waiter *w, unsigned n)
{
    world_stop(WAIT_STOPPING);
    for (unsigned i = 0; i < n; i++)
        if (waits(w[i].g, w[i].since_ns, w[i].sp))
            stack_release_below(&w[i].g->stack, w[i].sp);
    world_start();
}

void stacks_shrink(void)
{
    static int64_t last_ns; /* the leader's */
    static unsigned turn;
    struct shrink s = {.since_ns = last_ns};
    unsigned parts = (unsigned)(stack_count_taken() / SHRINK_LOOK) + 1;
    if (knobs.gcshrinkstackoff != 0)
        return;
    if (last_ns != 0)
        stack_each_head_part(turn++ % parts, parts, look_at_waiter, &s);
    last_ns = os_nanotime();
    for (unsigned i = 0; i < s.n; i += SHRINK_AT_ONCE)
        release_batch(&s.waiter[i], s.n - i < SHRINK_AT_ONCE ? s.n - i : SHRINK_AT_ONCE);
}
