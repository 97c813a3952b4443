/* g.c: goroutines are born and die here.
 *
 * Owns    struct g, which lives at the top of its own stack's slot; ids; the caches of dead ones.
 * Holds   1. A dead g keeps its slot: in its P's list (warm, owner only), or as the depot's.
 *         2. g->status is G_DEAD or G_IDLE from g_free until the end of g_new; whoever walks all
 *            goroutines skips these.
 * Locks   none of its own; the depot's is in stack/.
 */
#include "sched/sched_int.h"
#include "sched/up.h"

#include "base/fmt.h"
#include "base/track.h"
#include "conf/conf.h"

#include <gort/go.h>

#include <string.h>

enum { WARM_BATCH = 32 };

void go_create_watched(struct g *g)
{
    if (probe_on(PROBE_SHOT))
        prof_shot_created(g);
    if (probe_on(PROBE_TRACE))
        trace_go_create(g);
}

static uint64_t next_id(struct p *p)
{
    if (p->next_id == p->last_id) {
        p->next_id = add_seq(&sched.next_g_id, (uint64_t)ID_BATCH) + 1;
        p->last_id = p->next_id + ID_BATCH;
    }
    return p->next_id++;
}

static void refill(struct p *p)
{
    void *heads[WARM_BATCH];
    unsigned n = stack_take_warm(heads, GFREE_CAP < WARM_BATCH ? GFREE_CAP : WARM_BATCH);
    while (n > 0) {
        struct g *g = heads[--n];
        g->stack = stack_of_warm(g);
        g->next = p->gfree;
        p->gfree = g;
        store_rlx(&p->ngfree, load_rlx(&p->ngfree) + 1);
    }
}

/* A dead goroutine with a stack; NULL when the kernel has no memory for one. */
static struct g *take(struct p *p, size_t bytes)
{
    struct stack s;
    bool cold;
    if (bytes == 0) {
        if (p->gfree == NULL)
            refill(p);
        struct g *g = p->gfree;
        if (g != NULL) {
            p->gfree = g->next;
            store_rlx(&p->ngfree, load_rlx(&p->ngfree) - 1);
            return g;
        }
    }
    struct g *g = stack_take(bytes, &s, &cold);
    if (g == NULL)
        return NULL;
    g->stack = s;
    return g;
}

/* What happened before the go statement happened before its goroutine; what the last one did on this stack
 * is forgotten. */
static COLD void track_new(struct g *g)
{
    track_stack(g->stack.lo, g->stack.hi);
    g->fiber = track_fiber_create(g->created_pc);
    track_fiber_name(g->fiber, g->id);
}

struct g *g_new(const struct start *s, const struct go_options *o)
{
    struct m *m = self();
    struct p *p = m_p(m);
    struct g *parent = m_curg(m);
    struct g *g = take(p, o->stack_bytes);
    if (g == NULL) {
        print("runtime: cannot map a stack of %u bytes for a goroutine (have %d)\n",
              (uint64_t)(o->stack_bytes ? o->stack_bytes : stack_default_bytes()), g_count_exact());
        throw("runtime: cannot allocate memory");
    }
    arch_context_init(&g->ctx, (void *)g->stack.hi);
    g->param = NULL;
    g->saved_errno = 0;
    g->start = *s;
    g->id = next_id(p);
    g->created_pc = o->created_pc;
    g->parent_id = parent->id;
    g->ancestors = NULL;
    store_rlx(&g->labels, o->system ? NULL : load_rlx(&parent->labels));
    g->system = o->system;
    g->started = false;
    g->exiting = false;
    g->panic_on_fault = false;
    g->leaked = false;
    g->in_user_code = false;
    g->in_cgo = false;
    store_rlx(&g->cgo_sp, (uint64_t)0);
    g->scope = NULL;
    if (track_fibers())
        track_new(g);
    if (g->faulted)
        g->fault.sig = 0;
    g->faulted = false;
    store_rlx(&g->wait_since, 0);
    store_rlx(&g->wait_reason, (uint32_t)WAIT_NONE);
    store_rlx(&g->m, NULL);
    store_rlx(&g->bound, NULL);
    store_rlx(&g->select_done, 0u);
    if (unlikely(knobs.tracebackancestors > 0))
        g->ancestors = dump_record_ancestors(parent, o->created_pc, knobs.tracebackancestors);
    if (!o->system)
        store_rlx(&p->ngs, load_rlx(&p->ngs) + 1);
    tap_go_create(g);
    latency_of_other(g, p);
    store_rel(&g->status, (uint32_t)G_RUNNABLE); /* pairs with g_each */
    return g;
}

void g_init_thread(struct g *g)
{
    memset(g, 0, sizeof *g);
    os_thread_stack(&g->stack.lo, &g->stack.hi);
    g->fiber = track_fiber_current();
    track_slot(g->stack.lo, g->stack.hi);
    store_rlx(&g->status, (uint32_t)G_IDLE);
}

/* Gives a batch back to the depot; a small one, since this runs on some goroutine's stack. */
static void give_back(struct p *p)
{
    void *heads[WARM_BATCH];
    struct stack *stacks[WARM_BATCH];
    unsigned n = 0;
    while (n < WARM_BATCH && p->gfree != NULL) {
        struct g *g = p->gfree;
        p->gfree = g->next;
        heads[n] = g;
        stacks[n++] = &g->stack;
        store_rlx(&p->ngfree, load_rlx(&p->ngfree) - 1);
    }
    stack_put_many(heads, stacks, n);
}

void g_free(struct g *g)
{
    struct p *p = m_p(self());
    if (track_fibers())
        track_fiber_destroy(g->fiber);
    if (g->ancestors != NULL)
        dump_free_ancestors(g->ancestors);
    g->ancestors = NULL;
    if (g->stack.hi - g->stack.lo > stack_default_bytes() || p == NULL) {
        stack_put(g, &g->stack);
        return;
    }
    g->next = p->gfree;
    p->gfree = g;
    store_rlx(&p->ngfree, load_rlx(&p->ngfree) + 1);
    if (load_rlx(&p->ngfree) <= GFREE_CAP)
        return;
    while (load_rlx(&p->ngfree) > GFREE_CAP / 2)
        give_back(p);
}

void g_flush_free(struct p *p)
{
    while (p->gfree != NULL)
        give_back(p);
}

/* The commit of the last switch away from `g`. */
bool g_commit_free(struct g *g, void *arg)
{
    (void)arg;
    track_dead_frames(g->ctx.sp, g->stack.hi);
    g_free(g);
    return true;
}

const struct start *g_begin(void)
{
    struct m *m = self();
    track_arrive(NULL); /* the first time on this stack */
    finish_switch(m);
    m = self();
    struct g *g = m_curg(m);
    g->started = true;
    latency_is_over(g);
    m_leave(m);
    return &g->start;
}

void g_end(void)
{
    struct g *g = g_self();
    if (g->scope != NULL)
        panic_goroutine_end(g);
    struct m *m = m_enter();
    struct p *p = m_p(m);
    if (!g->system)
        store_rlx(&p->ngs, load_rlx(&p->ngs) - 1);
    if (load_rlx(&g->bound) != NULL)
        m->lock_count = UINT32_MAX; /* a locked goroutine ends with its thread: m_exit */
    store_rlx(&g->bound, NULL);
    tap_go_end(m, g);
    store_rlx(&g->status, (uint32_t)G_DEAD);
    m->commit = g_commit_free;
    struct g *next = m->lock_count == 0 ? schedule_pick_fast(m, m_p(m)) : NULL;
    switch_to(m, g, next != NULL ? next : &m->g0);
    throw("a dead goroutine ran");
}

struct g *g_self(void)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    return g == &m->g0 ? NULL : g;
}

void gort_go_start(const gort_go_options *options, void (*fn)(void), size_t n,
                   const uintptr_t *words)
{
    struct start s = {.fn = fn};
    struct go_options o = {.created_pc = (uintptr_t)__builtin_return_address(0)};
    if (options != NULL)
        o.stack_bytes = options->stack_bytes;
    if (o.stack_bytes > load_rlx(&conf_max_stack))
        o.stack_bytes = load_rlx(&conf_max_stack);
    if (fn == NULL)
        fatal("go of nil func value");
    for (size_t i = 0; i < n && i < ARRAY_LEN(s.arg); i++)
        s.arg[i] = words[i];
    struct m *m = m_enter();
    struct g *g = g_new(&s, &o);
    struct p *p = m_p(m);
    runq_put_next(p, g);
    wake_for(p);
    m_leave(m);
}

/* Each P counts births and deaths that it saw; a goroutine may die elsewhere than it was born. */
int64_t g_count_exact(void)
{
    int64_t n = load_rlx(&sched.nforeign);
    for (uint32_t i = 0; i < load_acq(&sched.nps_made); i++)
        n += load_rlx(&p_at(i)->ngs);
    return n;
}

uint64_t g_take_id(void)
{
    return add_seq(&sched.next_g_id, 1u) + 1;
}

int gort_num_goroutine(void)
{
    return g_count();
}

int g_count(void)
{
    int64_t n = g_count_exact();
    return n < 1 ? 1 : (int)n;
}

/* A switch away from g makes it `prev` of its thread before it stops being `curg`, and ends being `prev`
 * only when its context is complete (switch_to, finish_switch). */
bool g_is_parked(const struct g *g)
{
    struct m *m = load_acq(&g->m); /* the thread it runs on, or ran on last */
    if (load_rlx(&g->bound) != NULL)
        return false;
    return m == NULL || (load_acq(&m->curg) != g && load_acq(&m->prev) != g);
}

struct each {
    void (*fn)(struct g *g, void *arg);
    void *arg;
};

static void each_head(void *head, void *arg)
{
    const struct each *e = arg;
    struct g *g = head;
    uint32_t s = load_acq(&g->status); /* pairs with g_new */
    if (s != G_DEAD && s != G_IDLE)
        e->fn(g, e->arg);
}

void g_each(void (*fn)(struct g *g, void *arg), void *arg)
{
    struct each e = {fn, arg};
    stack_each_head(each_head, &e);
    for (struct m *m = m_first(); m != NULL; m = m_next(m)) {
        struct g *g = load_rlx(&m->curg);
        if (g != NULL && g->foreign)
            fn(g, arg);
    }
}
