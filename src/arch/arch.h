/* arch.h: what the assembly of one processor provides.
 *
 * A `struct context` is a suspended flow of control on its own stack: the callee-saved registers,
 * where to go on, and the control words of floating point. The same files exist for each
 * architecture (amd64/, arm64/).
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "base/attr.h"

#if defined(__x86_64__)
#include "arch/amd64/context.h"
#include "arch/amd64/tls.h"
#elif defined(__aarch64__)
#include "arch/arm64/context.h"
#include "arch/arm64/tls.h"
#else
#error "this architecture has no arch/ folder"
#endif

/* Leaves the running stack, kept in `from`, and continues `to`; returns when somebody continues
 * `from`, perhaps on another thread. Once `from` is written another thread may run it. */
void arch_switch(struct context *from, const struct context *to);

/* Continues `to`; the running stack is abandoned. */
NORETURN void arch_jump(const struct context *to);

/* Keeps the caller's place in `c` and returns 0; returns 1 when arch_jump comes back to it. */
int arch_save(struct context *c) __attribute__((returns_twice));

/* Keeps what the caller holds in callee-saved registers, and its stack pointer; nobody comes back to
 * `c`. */
void arch_keep(struct context *c);

/* Calls fn(arg) on the stack that ends at `top`, and comes back. */
void arch_call_on(void *top, void (*fn)(void *), void *arg);

/* Makes `c` start in arch_start on the stack that ends at `top`; arch_start calls
 * g_begin() and then the function of the start record that it returns, and at last g_end(). */
void arch_context_init(struct context *c, void *top);
void arch_start(void);

/* What a new goroutine runs: fn(arg[0], ..., arg[5]). */
struct start {
    void (*fn)(void);
    uintptr_t arg[6];
};

/* ---- interrupted code, as a signal handler sees it */
/* The program counter, stack pointer and frame pointer in a ucontext. */
struct regs {
    uintptr_t pc, sp, fp;
};
SIGSAFE struct regs arch_ucontext_regs(const void *ucontext);
/* The whole interrupted state as a context, for the unwinder and the collector. */
SIGSAFE void arch_ucontext_to_context(const void *ucontext, struct context *c);
/* Where interrupted code returns that was called and has not run an instruction; its stack is [lo, hi). 0: unknown. */
SIGSAFE uintptr_t arch_ucontext_return(const void *ucontext, uintptr_t lo, uintptr_t hi);
/* Makes it that of its call, by which it returns at `ret`. */
SIGSAFE void arch_ucontext_undo_call(void *ucontext, uintptr_t ret);
/* Makes the interrupted code continue as a call of arch_fault_entry (which calls sched_fault) on its
 * own stack. */
SIGSAFE void arch_ucontext_call_fault(void *ucontext);
/* Makes the interrupted code continue as fn(arg) on the stack that ends at `top`; never returns. */
SIGSAFE void arch_ucontext_jump(void *ucontext, void *top, void (*fn)(void *), void *arg);
void arch_fault_entry(void);
/* Prints the register block of a fatal signal's report. */
struct out;
SIGSAFE void arch_print_registers(struct out *o, const void *ucontext);

/* ARCH_SKIP_MARKERS bytes of code that nobody runs: symb_skip_marker. */
extern const char arch_skip_markers[] __asm__("gort_skip_please_use_callers_frames")
    __attribute__((visibility("hidden")));

/* Stops in the debugger. */
void arch_breakpoint(void);

/* A counter that only grows, in unspecified small units; cheaper than a clock. */
static inline uint64_t arch_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t v;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
    return v;
#endif
}

#endif
