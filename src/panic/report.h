/* report.h: what a dying program prints, and how it ends. */
#ifndef PANIC_REPORT_H
#define PANIC_REPORT_H

#include "base/attr.h"
#include "sched/sched.h"

enum report_kind {
    REPORT_PANIC,   /* nobody recovered a panic */
    REPORT_PROGRAM, /* fatal(): the program is past saving */
    REPORT_RUNTIME, /* throw(): we are */
};

/* Ends the program after the deferred functions of `g`, the running goroutine, could not save it:
 * prints the chain of panics and the tracebacks. */
NORETURN void report_fatal_panic(struct g *g);
/* Prints tracebacks from `here` on, the calling thread's place, and ends the program. */
NORETURN void report_die(enum report_kind kind, const struct context *here);
/* The same for a failure of ours on the thread's own stack, at `here`, called by the goroutine that
 * stands at `at`. */
NORETURN void report_die_on_thread_stack(const struct context *at, const struct context *here);
/* A fatal signal's dump, in its handler. */
NORETURN void report_signal(int sig, const void *info, const void *ucontext);
/* A goroutine ran into the guard below its stack; `ucontext` NULL: g->fault says where. */
NORETURN void report_overflow(struct g *g, uintptr_t sp, const void *ucontext);

/* crash.c: before the first line of a report. */
SIGSAFE void crash_begins(void);

/* For the monitor: ends the program with what can be had without locks if its report is stuck, in
 * malloc's lock for instance. */
void report_watchdog(int64_t now_ns);

/* True for the functions of the runtime that a user knows as `panic`. */
bool panic_is_entry(const char *function);
/* The value of the panic of `g` whose record lies in [lo, hi): its frame's. False if there is none.
 */
bool panic_value_at(const struct g *g, uintptr_t lo, uintptr_t hi, uintptr_t *type,
                    uintptr_t *data);

#endif
