/* cpu_sample.c: what SIGPROF finds.
 *
 * Owns    the handler: whose code was interrupted, and on which stack.
 * Holds   1. Takes no lock, allocates nothing, keeps errno. All signals are blocked meanwhile, so it is not
 *            interrupted itself; it interrupts anything, the runtime with its locks held too.
 *         2. A stack is walked only if the interrupted stack pointer lies in it. Within a switch the thread is
 *            still, or already, on another goroutine's: switch_to sets `prev` before `curg`, and
 *            finish_switch clears it before that goroutine may be freed.
 *         3. A thread with a timer of its own is counted by its CPU clock, whatever signal comes; the process's
 *            timer counts the others.
 * Order   a handler adds to `inside`, then looks whether samples are wanted; cpu_await_handlers is called
 *         when they are no more, and looks at `inside`. Both are seq_cst: one sees the other.
 */
#include "prof/cpu_int.h"

#include "base/probe.h"
#include "dump/cgo.h"
#include "prof/prof.h"
#include "sched/sched.h"
#include "symb/symb.h"
#include "trace/trace.h"

static au32 inside; /* handlers at work */

/* What was interrupted. */
struct place {
    const struct g *g; /* NULL: no goroutine */
    enum cpu_root root;
    struct stack own, other; /* empty: unknown, there is no other */
};

static bool holds(const struct stack *s, uintptr_t sp)
{
    return sp >= s->lo && sp < s->hi;
}

/* A thread that the runtime does not know; its stack ends somewhere above. */
static void place_unknown_thread(struct place *p, uintptr_t sp)
{
    size_t page = os_page_bytes();
    uintptr_t hi = (sp & ~(uintptr_t)(page - 1)) + os_pages_readable(sp) * page;
    p->root = CPU_ROOT_EXTERNAL;
    if (hi > sp)
        p->own = (struct stack){.lo = sp, .hi = hi};
}

static void place_thread(struct place *p, const struct m *m)
{
    p->own = m->g0.stack;
    p->root = m->kind == M_COLLECTOR ? CPU_ROOT_GC : CPU_ROOT_SYSTEM;
}

static void place_goroutine(struct place *p, struct m *m, const struct g *g, uintptr_t sp)
{
    struct stack signal = {.lo = m->signal_lo, .hi = m->signal_hi};
    p->g = g;
    if (holds(&g->stack, sp)) {
        p->own = g->stack;
        p->other = m->g0.stack;
    } else if (holds(&m->g0.stack, sp)) { /* gort_cgocall, and the like of our own */
        p->own = m->g0.stack;
        p->other = g->stack;
    } else if (holds(&signal, sp)) { /* a handler of the program's */
        p->own = signal;
        p->other = g->stack;
    } /* else: a stack of the program's own */
}

static void find_place(struct place *p, struct m *m, uintptr_t sp)
{
    *p = (struct place){.root = CPU_ROOT_NONE};
    if (load_rlx(&m->attention) & ATT_NOBODY) {
        place_unknown_thread(p, sp);
        return;
    }
    const struct g *g = m_curg(m), *prev = load_rlx(&m->prev);
    if (prev != NULL && holds(&prev->stack, sp))
        g = prev;
    if (g == NULL || g == &m->g0)
        place_thread(p, m);
    else
        place_goroutine(p, m, g, sp);
}

static void sample(struct m *m, const void *ucontext, uint32_t weight)
{
    struct context at;
    struct place p;
    uintptr_t pcs[CPU_FRAMES];
    arch_ucontext_to_context(ucontext, &at);
    find_place(&p, m, at.sp);
    if (!holds(&p.own, at.sp))
        p.own = p.other = (struct stack){.lo = 0, .hi = 0}; /* the pc alone */
    size_t n = symb_backtrace(&at, true, &p.own, &p.other, pcs, CPU_FRAMES);
    if (p.g != NULL || p.root == CPU_ROOT_EXTERNAL)
        n = cgo_complete(p.g, ucontext, pcs, n, CPU_FRAMES);
    n = prof_without_start(pcs, n);
    cpu_log_put(pcs, n, p.g != NULL ? prof_labels_of(p.g) : NULL, p.root, weight);
    if (probe_on(PROBE_TRACE) && m->kind == M_WORKER && p.root != CPU_ROOT_EXTERNAL)
        trace_cpu_sample(m, (struct g *)(uintptr_t)p.g, pcs, n);
}

/* How many samples this signal stands for; 0: somebody sent it, or nothing is due. */
static uint32_t weight_of(struct m *m, const siginfo_t *info)
{
    if (prof_thread_has_timer(m))
        return cpu_due_take(m);
    return info->si_code == SI_KERNEL ? 1 : 0;
}

void cpu_on_signal(int sig, siginfo_t *info, void *ucontext)
{
    int *error = __errno_location(), keep = *error;
    struct m *m = self();
    (void)sig;
    add_seq(&inside, 1u); /* pairs with cpu_await_handlers */
    uint32_t weight = (load_seq(&probes) & PROBE_CPU) != 0 ? weight_of(m, info) : 0;
    if (weight != 0)
        sample(m, ucontext, weight);
    sub_seq(&inside, 1u);
    *error = keep;
}

void cpu_await_handlers(void)
{
    while (load_seq(&inside) != 0)
        os_thread_yield();
}
