/* signal.c: what a signal does.
 *
 * Owns    the handlers, and the table of who gets which:
 *           SIGURG                         pre-emption (preempt.c)
 *           SIGSEGV SIGBUS SIGFPE          a panic of the goroutine whose code caused it
 *           SIGQUIT SIGILL SIGTRAP SIGABRT SIGSTKFLT SIGSYS   the report, status 2
 *           SIGPIPE                        nothing inside gort_write on other descriptors than 1 and
 *                                          2 (the call answers EPIPE); else the default: death
 *           the rest                       what the system does by itself
 *         A handler that the program has installed before gort_run, or installs later, stays.
 * Locks   none in handlers, but for those of preempt.c, which acts only outside the runtime.
 */
#include "sched/sched_int.h"
#include "sched/up.h"

#include "base/fmt.h"
#include "conf/conf.h"
#include "os/maps.h"
#include "symb/symb.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>

static void on_urgent(int sig, siginfo_t *info, void *ucontext)
{
    int keep = *__errno_location();
    struct m *m = self();
    (void)sig;
    (void)info;
    if ((load_rlx(&m->attention) & ATT_NOBODY) == 0)
        preempt_on_signal(m, ucontext);
    *__errno_location() = keep;
}

static void overflow_on_own_stack(void *arg)
{
    struct g *g = arg;
    report_overflow(g, g->fault.ctx.sp, NULL);
}

static void note_fault(struct g *g, int sig, const siginfo_t *info, const void *ucontext)
{
    g->faulted = true;
    g->fault.sig = sig;
    g->fault.code = info->si_code;
    g->fault.addr = (uintptr_t)info->si_addr;
    g->fault.pc = arch_ucontext_regs(ucontext).pc;
    arch_ucontext_to_context(ucontext, &g->fault.ctx);
}

/* A call of what is no code, as through a nil function: the fault is the caller's, as in Go. */
static void blame_caller(const struct g *g, const struct m *m, void *ucontext)
{
    uintptr_t pc = g->fault.pc, sp = g->fault.ctx.sp;
    const struct stack *on = sp >= g->stack.lo && sp <= g->stack.hi ? &g->stack : &m->g0.stack;
    if (g->fault.addr != pc || symb_is_code(pc) || os_may_execute(pc))
        return;
    uintptr_t ret = arch_ucontext_return(ucontext, on->lo, on->hi);
    if (ret != 0 && symb_is_code(ret - 1))
        arch_ucontext_undo_call(ucontext, ret);
}

static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    if (info->si_code > 0 && symb_catch_fault(ucontext))
        return;
    if (info->si_code <= 0) /* somebody's kill, not a fault */
        report_signal(sig, info, ucontext);
    if (load_rlx(&m->attention) & ATT_NOBODY) {
        os_signal_default(sig); /* the instruction faults again, and the system does what it does */
        return;
    }
    if (g == NULL || g == &m->g0 || g->foreign || m->in_handler) {
        note_fault(&m->g0, sig, info, ucontext);
        report_signal(sig, info, ucontext);
    }
    uintptr_t addr = (uintptr_t)info->si_addr;
    note_fault(g, sig, info, ucontext);
    uintptr_t sp = g->fault.ctx.sp;
    bool in_guard = addr - (g->stack.lo - STACK_GUARD_BYTES) < STACK_GUARD_BYTES;
    bool beyond = sp < g->stack.lo && sp - m->g0.stack.lo >= m->g0.stack.hi - m->g0.stack.lo;
    if (sig != SIGFPE && !g->in_cgo && (in_guard || beyond)) {
        store_rlx(&m->locks, 1u);
        track_below(m->g0.ctx.sp);
        arch_ucontext_jump(ucontext, (void *)(m->g0.ctx.sp - 256), overflow_on_own_stack, g);
        return;
    }
    if (load_rlx(&m->locks) != 0) {
        print("[signal %d code=%x addr=%x pc=%x]\n", (int64_t)sig, (uint64_t)info->si_code,
              (uint64_t)addr, (uint64_t)g->fault.pc);
        throw("unexpected signal during runtime execution");
    }
    track_below(sp);
    blame_caller(g, m, ucontext);
    arch_ucontext_call_fault(ucontext);
}

void sched_fault(void)
{
    panic_fault(g_self());
}

static void on_fatal(int sig, siginfo_t *info, void *ucontext)
{
    report_signal(sig, info, ucontext);
}

static void on_broken_pipe(int sig, siginfo_t *info, void *ucontext)
{
    int fd = -1;
    (void)info;
    (void)ucontext;
    if (io_sigpipe_is_ours(&fd) && fd != 1 && fd != 2)
        return;
    os_die_by_signal(sig);
}

void sched_signals_init(void)
{
    static const int fatal_ones[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGSTKFLT, SIGSYS};
    os_signal_install(SIGSEGV, on_fault);
    os_signal_install(SIGBUS, on_fault);
    os_signal_install(SIGFPE, on_fault);
    for (size_t i = 0; i < ARRAY_LEN(fatal_ones); i++)
        os_signal_install(fatal_ones[i], on_fatal);
    os_signal_install(SIGPIPE, on_broken_pipe);
    sched.signals = !track_no_signals() && os_signal_install(SIGURG, on_urgent);
    if (!sched.signals)
        knobs.asyncpreemptoff = 1; /* docs/internals/sanitizers.md; or the program has a handler */
}
