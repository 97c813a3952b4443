/* watch.c: who looks on while objects are born and die.
 *
 * Owns    which objects the memory profile samples, and the stacks that allocated them; the reports of
 *         GODEBUG=allocfreetrace. The profile itself is prof/heap.c.
 * Holds   1. A cache's run has no sampled object but, of SAMPLE_NOW, its only one; so the fast road
 *            knows nothing of samples.
 *         2. Each byte that is handed to a cache is a sample point with probability 1 / rate, on its
 *            own. What is given back unused, is drawn for anew.
 *         3. One report at a time: it is printed under watch.lock.
 * Locks   watch.lock, rank prof.
 *
 *   refill, the next point lies beyond the run       SAMPLE_NONE: the whole run
 *   refill, it lies in object k > 0 of the run       SAMPLE_DUE: a run of the k objects before it
 *   refill after that, or it lies in object 0        SAMPLE_NOW: a run of that object alone
 *
 * Instead of a countdown in each allocation, as Go has it: it would cost the fast road an instruction
 * or two, and it is enough to look when a run is cut. Exponential distances have no memory, so counting
 * by runs is as fair as counting by objects.
 */
#include "gc/gc_int.h"

#include "gc/up.h"

#include <gort/prof.h>
#include <gort/type.h>

#include "base/fmt.h"
#include "base/rand.h"
#include "base/usdt.h"
#include "conf/conf.h"
#include "dump/cgo.h"
#include "dump/dump.h"
#include "mem/up.h"

#include <math.h>

/* ---- when the next sample is */
enum { SAMPLE_NONE, SAMPLE_DUE, SAMPLE_NOW };
#define RATE_MAX 0x7000000 /* beyond, distances would overflow Go's numbers */

static int rate_now(void)
{
    return __atomic_load_n(&gort_mem_profile_rate, __ATOMIC_RELAXED);
}

/* Bytes to the next sample: exponential, `rate` on average. */
static uint64_t distance(int rate, uint64_t *rand)
{
    enum { RANDOM_BITS = 26 };
    if (rate <= 1)
        return 0;
    double q = (double)(rand_next(rand) >> (32 - RANDOM_BITS)) + 1; /* in [1, 2^26] */
    double x = RANDOM_BITS * 0.693147180559945309 - log(q);
    return (uint64_t)(x * (rate < RATE_MAX ? rate : RATE_MAX)) + 1;
}

static uint64_t draw(struct cache *c)
{
    return distance(c->sample_rate, &m_p(self())->rand);
}

/* False: nothing is sampled. */
static bool follow_rate(struct cache *c)
{
    int rate = rate_now();
    if (unlikely(rate != c->sample_rate)) {
        c->sample_rate = rate;
        c->sample_left = draw(c);
    }
    return rate > 0;
}

size_t gc_sample_run(struct cache *c, unsigned kind, unsigned class, size_t n)
{
    uint8_t *state = &c->sample[kind][class];
    size_t bytes = class_bytes[class];
    uint8_t was = *state;
    *state = SAMPLE_NONE;
    if (!follow_rate(c))
        return n;
    if (was == SAMPLE_DUE) {
        *state = SAMPLE_NOW;
        return 1;
    }
    if (c->sample_left >= n * bytes) {
        c->sample_left -= n * bytes;
        return n;
    }
    size_t before = c->sample_left / bytes;
    c->sample_left = draw(c);
    *state = before == 0 ? SAMPLE_NOW : SAMPLE_DUE;
    return before == 0 ? 1 : before;
}

bool gc_sample_is_now(struct cache *c, enum obj_kind kind, unsigned class)
{
    uint8_t *state = &c->sample[kind][class];
    bool is = *state == SAMPLE_NOW;
    if (is)
        *state = SAMPLE_NONE;
    return is;
}

bool gc_sample_large(struct cache *c, size_t bytes)
{
    if (!follow_rate(c))
        return false;
    if (c->sample_left >= bytes) {
        c->sample_left -= bytes;
        return false;
    }
    c->sample_left = draw(c);
    return true;
}

/* ---- the stack of a sample: the runtime's own frames, up to the first of the program, are left out */
NOINLINE void gc_sampled(void *p)
{
    enum { FRAMES = 32 };
    uintptr_t pcs[FRAMES];
    struct m *m = self();
    struct object o;
    if (!arena_find_object((uintptr_t)p, &o))
        return;
    size_t n = cgo_backtrace_here(m, false, pcs, FRAMES);
    USDT(alloc_sample, o.base, o.bytes);
    (void)special_add(&o, SPECIAL_SAMPLE, prof_heap_born(o.bytes, pcs, n), NULL, 0);
}

/* ---- GODEBUG=allocfreetrace */
au32 gc_watch_allocs, gc_watch_frees;

static struct {
    struct lock lock;   /* rank prof */
    bool without_names; /* stw */
} watch = {.lock = LOCK_INIT(prof)};

void gc_watch_init(void)
{
    store_rlx(&gc_watch_allocs, knobs.allocfreetrace > 0 ? 1u : 0u);
    store_rlx(&gc_watch_frees, knobs.allocfreetrace > 0 ? 1u : 0u);
}

STW void watch_without_names(bool on)
{
    watch.without_names = on;
}

/* A type's name; parts between tabs are not shown. */
static void out_type(struct out *o, const struct gort_type *t)
{
    bool hidden = false;
    for (size_t i = 0; t->string != NULL && i < t->string->len; i++) {
        char c = t->string->ptr[i];
        if (c == '\t')
            hidden = !hidden;
        else if (!hidden)
            out_char(o, c);
    }
}

struct report {
    struct out out;
    const char *what;
    uintptr_t addr;
    size_t bytes;
    const struct gort_type *type;
    struct g *g;
    struct dump_place at;
};

static void print_report(void *report)
{
    struct report *r = report;
    struct dump_style style = {.level = 2, .way = SYMB_FULL};
    if (watch.without_names || knobs.gcstoptheworld >= 2)
        style.way = SYMB_SAFE;
    out_init_fd(&r->out, 2);
    out_str(&r->out, r->what);
    out_char(&r->out, '(');
    out_hex(&r->out, r->addr);
    out_str(&r->out, ", ");
    out_hex(&r->out, r->bytes);
    if (r->type != NULL) {
        out_str(&r->out, ", ");
        out_type(&r->out, r->type);
    }
    out_str(&r->out, ")\n");
    dump_goroutine(&r->out, r->g, &r->at, &style);
    out_char(&r->out, '\n');
    out_flush(&r->out);
}

/* Names want more stack than a goroutine may have left. */
static void say(struct report *r)
{
    struct m *m = self();
    const struct stack *s = &m->g0.stack;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    r->g = m_curg(m);
    lock(&watch.lock);
    if (r->g == &m->g0 || r->g->foreign || (here >= s->lo && here < s->hi))
        print_report(r);
    else
        dump_on_thread_stack(m, m->g0.ctx.sp, print_report, r);
    unlock(&watch.lock);
}

void gc_watch_alloc(uintptr_t addr, size_t bytes, const struct gort_type *type)
{
    struct report r = {.what = "tracealloc", .addr = addr, .bytes = bytes, .type = type};
    (void)arch_save(&r.at.ctx);
    say(&r);
}

void gc_watch_free(uintptr_t addr, size_t bytes)
{
    struct report r = {.what = "tracefree", .addr = addr, .bytes = bytes};
    (void)arch_save(&r.at.ctx);
    say(&r);
}

STW void gc_watch_cycle(void)
{
    if (load_rlx(&gc_watch_frees) != 0)
        dump_take_all();
}

void gc_watch_cycle_say(void)
{
    static const struct dump_style style = {.level = 2, .way = SYMB_FULL};
    struct out out;
    if (load_rlx(&gc_watch_frees) == 0)
        return;
    lock(&watch.lock);
    out_init_fd(&out, 2);
    out_str(&out, "tracegc()\n");
    dump_print_taken(&out, &style);
    out_str(&out, "end tracegc\n\n");
    out_flush(&out);
    unlock(&watch.lock);
}
