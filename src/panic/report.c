/* report.c: what a dying program prints.
 *
 * Owns    the order of the report, the exit status, and what happens when reporting fails too:
 *           first failure of a thread     the report, status 2 (or SIGABRT with GOTRACEBACK=crash)
 *           second, while it prints       `panic during panic`, frames without names, status 2
 *           third                         `stack trace unavailable`, status 4
 *           fourth                        status 5
 *           nothing printed for STUCK_NS  the monitor prints frames without names, status 2
 * Holds   1. One thread prints at a time; a second one that fails waits and prints its own goroutine.
 *            The last one ends the process.
 *         2. The full report runs on the thread's own stack wherever that can be reached: names want more
 *            than a goroutine may have left.
 * Locks   none of the runtime's: the dying thread may hold any of them. Printing is guarded by a
 *         word and patience.
 */
#include "panic/report.h"

#include "base/fmt.h"
#include "base/track.h"
#include "conf/conf.h"
#include "dump/dump.h"
#include "base/probe.h"
#include "panic/panic.h"
#include "panic/up.h"
#include "dump/up.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define STUCK_NS (3 * 1000000000ll)
#define WAIT_NS  1000000ll
#define RELAY_NS (5 * 1000000000ll)

enum { ROOM_FOR_LIBRARIES = 256 * 1024, STATUS = 2 };

/* One failure, from the failing thread's stack; the rest of the file passes it around. */
struct failure {
    enum report_kind kind;
    struct m *m;
    struct g *g; /* the goroutine it happened on; NULL: the thread's own stack */
    struct dump_place at;
    struct stack stack;   /* without a goroutine: the bounds of the stack of `at` */
    struct stack runtime; /* frames on the thread's own stack, from `runtime_at`; else empty */
    struct dump_place runtime_at;
    int sig; /* of a fatal signal, else 0 */
    const siginfo_t *info;
    const void *ucontext;
};

/* ---- one at a time */
static au32 failing;  /* threads between their first line and their end */
static au32 printing; /* 1: somebody prints */
static au32 did_others;
static aptr printer; /* struct failure of who prints, for the watchdog */
static au32 relays;  /* threads that dumped because of GOTRACEBACK=crash */

static void printing_begin(struct failure *f)
{
    add_seq(&failing, 1u);
    while (!cas_acq(&printing, 0u, 1u)) /* pairs with printing_end */
        os_sleep_ns(WAIT_NS);
    store_rel(&printer, f);
}

static NORETURN void wait_for_ever(void)
{
    for (;;)
        os_sleep_ns(3600 * 1000000000ll);
}

/* Returns when no other thread is about to print. */
static void printing_end(void)
{
    store_rel(&printer, NULL);
    store_rel(&printing, 0u);
    if (sub_seq(&failing, 1u) != 1)
        wait_for_ever();
}

static NORETURN void end(bool crash)
{
    if (crash)
        os_die_by_signal(SIGABRT);
    os_exit(STATUS);
}

/* ---- names of signals */
static const char *const signal_names[] = {
    [SIGHUP] = "SIGHUP: terminal line hangup",
    [SIGINT] = "SIGINT: interrupt",
    [SIGQUIT] = "SIGQUIT: quit",
    [SIGILL] = "SIGILL: illegal instruction",
    [SIGTRAP] = "SIGTRAP: trace trap",
    [SIGABRT] = "SIGABRT: abort",
    [SIGBUS] = "SIGBUS: bus error",
    [SIGFPE] = "SIGFPE: floating-point exception",
    [SIGKILL] = "SIGKILL: kill",
    [SIGUSR1] = "SIGUSR1: user-defined signal 1",
    [SIGSEGV] = "SIGSEGV: segmentation violation",
    [SIGUSR2] = "SIGUSR2: user-defined signal 2",
    [SIGPIPE] = "SIGPIPE: write to broken pipe",
    [SIGALRM] = "SIGALRM: alarm clock",
    [SIGTERM] = "SIGTERM: termination",
    [SIGSTKFLT] = "SIGSTKFLT: stack fault",
    [SIGCHLD] = "SIGCHLD: child status has changed",
    [SIGCONT] = "SIGCONT: continue",
    [SIGSTOP] = "SIGSTOP: stop, unblockable",
    [SIGTSTP] = "SIGTSTP: keyboard stop",
    [SIGTTIN] = "SIGTTIN: background read from tty",
    [SIGTTOU] = "SIGTTOU: background write to tty",
    [SIGURG] = "SIGURG: urgent condition on socket",
    [SIGXCPU] = "SIGXCPU: cpu limit exceeded",
    [SIGXFSZ] = "SIGXFSZ: file size limit exceeded",
    [SIGVTALRM] = "SIGVTALRM: virtual alarm clock",
    [SIGPROF] = "SIGPROF: profiling alarm clock",
    [SIGWINCH] = "SIGWINCH: window size change",
    [SIGIO] = "SIGIO: i/o now possible",
    [SIGPWR] = "SIGPWR: power failure restart",
    [SIGSYS] = "SIGSYS: bad system call",
};

static void print_signal_name(struct out *o, int sig)
{
    if (sig > 0 && (size_t)sig < ARRAY_LEN(signal_names) && signal_names[sig] != NULL) {
        out_str(o, signal_names[sig]);
        return;
    }
    out_str(o, sig <= 64 ? "signal " : "Signal ");
    out_int(o, sig);
}

/* ---- how much */
struct amount {
    struct dump_style style;
    bool all, crash;
};

static struct amount amount_for(const struct failure *f, enum symb_way way)
{
    struct traceback_conf conf = conf_traceback();
    bool ours = f->kind == REPORT_RUNTIME;
    return (struct amount){
        .style = {.level = ours ? 2 : conf.level, .registers = ours, .way = way},
        .all = conf.all || f->kind != REPORT_PANIC || f->g == NULL,
        .crash = conf.crash,
    };
}

/* ---- the report */
static void print_own(struct out *o, const struct failure *f, const struct amount *a)
{
    bool runtime_stack = a->style.level >= 2;
    if (f->runtime.hi != 0) {
        out_str(o, "\nruntime stack:\n");
        dump_frames(o, &f->runtime_at, &f->runtime, &a->style);
    }
    if (f->g != NULL) {
        out_char(o, '\n');
        dump_goroutine(o, f->g, &f->at, &a->style);
    } else if (runtime_stack) {
        out_str(o, "\nruntime stack:\n");
        dump_frames(o, &f->at, &f->stack, &a->style);
    }
}

static void print_others(struct out *o, const struct failure *f, const struct amount *a)
{
    if (!sched_started() || swap_acq(&did_others, 1u) != 0)
        return;
    dump_others(o, f->g, NULL, &a->style);
}

static void print_failure(struct out *o, const struct failure *f, const struct amount *a)
{
    if (f->g != NULL && f->kind != REPORT_PANIC && f->runtime.hi == 0)
        panic_print_signal(o, f->g);
    if (a->style.level == 0)
        return;
    print_own(o, f, a);
    if (a->all)
        print_others(o, f, a);
}

/* ---- a fatal signal */
static void print_instruction(struct out *o, uintptr_t pc)
{
    enum { MAX_BYTES = 16 };
    size_t page = os_page_bytes();
    size_t n = page - pc % page < MAX_BYTES ? page - pc % page : MAX_BYTES;
    out_str(o, "instruction bytes:");
    for (size_t i = 0; i < n; i++) {
        out_char(o, ' ');
        out_hex(o, ((const unsigned char *)pc)[i]);
    }
    out_char(o, '\n');
}

/* A goroutine whose C function runs on the thread's own stack. */
static bool in_cgo_call(const struct failure *f)
{
    const struct stack *s = &f->m->g0.stack;
    return f->g != NULL && !f->g->foreign && f->at.ctx.sp >= s->lo && f->at.ctx.sp < s->hi;
}

static void print_signal_head(struct out *o, const struct failure *f)
{
    print_signal_name(o, f->sig);
    out_str(o, "\nPC=");
    out_hex(o, f->at.ctx.pc);
    out_str(o, " m=");
    out_uint(o, f->m->id);
    out_str(o, " sigcode=");
    out_uint(o, (uint64_t)(int64_t)f->info->si_code);
    out_char(o, '\n');
    if (in_cgo_call(f))
        out_str(o, "signal arrived during cgo execution\n");
    if (f->sig == SIGILL || (f->sig == SIGFPE && f->info->si_code > 0))
        print_instruction(o, f->at.ctx.pc);
    out_char(o, '\n');
    out_flush(o);
}

static void print_signal_dump(struct out *o, const struct failure *f, const struct amount *a)
{
    struct g *g = f->g != NULL ? f->g : &f->m->g0;
    print_signal_head(o, f);
    dump_goroutine(o, g, &f->at, &a->style);
    if (load_rlx(&relays) == 0) {
        print_others(o, f, a);
        out_char(o, '\n');
    }
    arch_print_registers(o, f->ucontext);
    out_flush(o);
}

/* GOTRACEBACK=crash: the next thread that has not dumped yet does so. Threads stopped in a handler
 * are left out, for their goroutines have been printed. */
static void find_next(struct m *m, void *found)
{
    struct m **next = found;
    if (m->dying == 0 && !m->in_handler)
        *next = m;
}

static NORETURN void relay(void)
{
    struct m *next = NULL;
    add_seq(&relays, 1u);
    sched_each_m(find_next, &next);
    if (next == NULL)
        end(true);
    print("\n-----\n\n");
    store_rel(&printer, NULL);
    store_rel(&printing, 0u);
    if (os_thread_signal(next->tid, SIGQUIT) == 0)
        os_sleep_ns(RELAY_NS);
    end(true);
}

/* ---- failures while failing */
static NORETURN void print_again(struct failure *f, uint32_t depth)
{
    struct out o;
    out_init_fd(&o, 2);
    if (depth >= 3)
        os_exit(5);
    if (depth == 2) {
        out_str(&o, "stack trace unavailable\n");
        out_flush(&o);
        os_exit(4);
    }
    out_str(&o, "panic during panic\n");
    out_flush(&o);
    struct amount a = amount_for(f, SYMB_SAFE);
    struct failure *first = load_acq(&printer); /* pairs with printing_begin */
    if (a.style.level > 0) /* what is wanted is the first failure, not that of its report */
        print_own(&o, first != NULL && first->m == f->m ? first : f, &a);
    out_flush(&o);
    os_exit(STATUS);
}

static NORETURN void print_first(struct failure *f)
{
    struct out o;
    crash_begins();
    out_init_fd(&o, 2);
    printing_begin(f);
    if (sched_started() && load_rlx(&relays) == 0)
        world_freeze();
    track_only_looks();
    struct amount a = amount_for(f, SYMB_FULL);
    if (knobs.schedtrace > 0 || knobs.scheddetail > 0)
        sched_print_state(true);
    if (f->sig != 0) {
        print_signal_dump(&o, f, &a);
        if (a.crash)
            relay();
    } else {
        if (f->kind == REPORT_PANIC)
            panic_print_chain(&o, f->g);
        out_flush(&o);
        print_failure(&o, f, &a);
        out_flush(&o);
    }
    if (probe_on(PROBE_TRACE))
        trace_crash();
    printing_end();
    end(a.crash);
}

static void print_report(void *failure)
{
    struct failure *f = failure;
    uint32_t depth = f->m->dying++;
    if (depth == 0)
        print_first(f);
    print_again(f, depth);
}

/* ---- where to run */
static bool inside(uintptr_t sp, const struct stack *s)
{
    return sp >= s->lo && sp < s->hi;
}

/* The place on the thread's own stack from which on it is free; 0: stay here. */
static uintptr_t free_top(const struct failure *f)
{
    const struct stack *s = &f->m->g0.stack;
    struct g *g = m_curg(f->m);
    uintptr_t at = f->at.ctx.sp, here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t top = 0;
    if (inside(here, s) || g == NULL || g->foreign)
        return 0;
    if (inside(at, s))
        top = at;
    else if (g != &f->m->g0)
        top = f->m->g0.ctx.sp;
    if (!inside(top, s) || top - s->lo < ROOM_FOR_LIBRARIES)
        return 0;
    return top;
}

static NORETURN void die(struct failure *f)
{
    static const int nested[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    for (size_t i = 0; i < ARRAY_LEN(nested); i++)
        os_signal_unblock(nested[i]);
    if ((load_rlx(&f->m->attention) & ATT_NOBODY) == 0)
        store_rlx(&f->m->locks, load_rlx(&f->m->locks) + 1); /* no pre-emption from here on */
    locks_forget();
    uintptr_t top = f->m->dying == 0 ? free_top(f) : 0;
    if (top != 0)
        dump_on_thread_stack(f->m, top, print_report, f);
    print_report(f);
    os_exit(STATUS);
}

/* ---- the doors */
static void failure_init(struct failure *f, enum report_kind kind, const struct context *here,
                         bool exact)
{
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->m = self();
    f->at.ctx = *here;
    f->at.exact = exact;
    struct g *g = m_curg(f->m);
    /* One that waits in place found the deadlock: it is not what went wrong, only one of them. */
    bool waits = g != NULL && load_rlx(&g->status) == G_WAITING;
    f->g = g == &f->m->g0 || waits ? NULL : g;
    if (f->g != NULL)
        return;
    f->stack = waits ? g->stack : f->m->g0.stack;
    if (f->stack.hi == 0)
        os_thread_stack(&f->stack.lo, &f->stack.hi);
}

void report_die(enum report_kind kind, const struct context *here)
{
    struct failure f;
    failure_init(&f, kind, here, false);
    if (f.g != NULL && f.g->fault.sig != 0 && !inside(here->sp, &f.g->stack) &&
        !inside(here->sp, &f.m->g0.stack)) { /* in the handler of a fault of ours */
        f.at.ctx = f.g->fault.ctx;
        f.at.exact = true;
    }
    die(&f);
}

void report_die_on_thread_stack(const struct context *at, const struct context *here)
{
    struct failure f;
    failure_init(&f, REPORT_RUNTIME, at, false);
    f.runtime = f.m->g0.stack;
    f.runtime_at.ctx = *here;
    die(&f);
}

void report_fatal_panic(struct g *g)
{
    struct failure f;
    struct context here;
    (void)arch_save(&here);
    failure_init(&f, REPORT_PANIC, &here, false);
    f.g = g;
    die(&f);
}

void report_signal(int sig, const void *info, const void *ucontext)
{
    struct failure f;
    struct context at;
    arch_ucontext_to_context(ucontext, &at);
    failure_init(&f, REPORT_RUNTIME, &at, true);
    f.sig = sig;
    f.info = info;
    f.ucontext = ucontext;
    f.at.ucontext = ucontext;
    if (load_rlx(&f.m->attention) & ATT_NOBODY) {
        print("fatal: bad g in signal handler\n");
        os_exit(STATUS);
    }
    die(&f);
}

void report_overflow(struct g *g, uintptr_t sp, const void *ucontext)
{
    struct failure f;
    struct context at = g->fault.ctx, here;
    if (ucontext != NULL)
        arch_ucontext_to_context(ucontext, &at);
    failure_init(&f, REPORT_RUNTIME, &at, true);
    f.g = g;
    f.runtime = f.m->g0.stack;
    (void)arch_save(&here);
    f.runtime_at.ctx = here;
    crash_begins();
    print("runtime: goroutine stack exceeds %u-byte limit\n",
          (uint64_t)(g->stack.hi - g->stack.lo));
    print("runtime: sp=%x stack=[%x, %x]\n", (uint64_t)sp, (uint64_t)g->stack.lo,
          (uint64_t)g->stack.hi);
    print("fatal error: stack overflow\n");
    die(&f);
}

bool panic_is_entry(const char *function)
{
    static const char *const names[] = {"gort_panic", "gort_panicf", "gort_panic_index",
                                        "gort_assert_value", "gort_assert_error"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(function, names[i]) == 0)
            return true;
    return false;
}

bool panic_value_at(const struct g *g, uintptr_t lo, uintptr_t hi, uintptr_t *type, uintptr_t *data)
{
    for (const struct panicking *p = g->panics; p != NULL; p = p->older) {
        if ((uintptr_t)p < lo || (uintptr_t)p >= hi || p->is_exit)
            continue;
        *type = (uintptr_t)p->value.type;
        *data = (uintptr_t)p->value.data;
        return true;
    }
    return false;
}

void panic_each(const struct g *g, panic_fn fn, void *arg)
{
    for (const struct panicking *p = g->panics; p != NULL; p = p->older)
        fn(p, (uintptr_t)p->value.type, (uintptr_t)p->value.data, p->older, arg);
}

/* ---- the watchdog */
void report_watchdog(int64_t now_ns)
{
    static int64_t since;
    static uint32_t seen;
    struct failure *f = load_acq(&printer); /* pairs with printing_begin */
    uint32_t beat = dump_beat();
    if (f == NULL || since == 0 || beat != seen) {
        since = now_ns;
        seen = beat;
        return;
    }
    if (now_ns - since < STUCK_NS)
        return;
    struct out o;
    out_init_fd(&o, 2);
    out_str(
        &o,
        "\nruntime: names of functions cannot be had: the program died in malloc or the loader\n");
    struct amount a = amount_for(f, SYMB_SAFE);
    print_own(&o, f, &a);
    out_flush(&o);
    end(a.crash);
}
