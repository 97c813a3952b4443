/* up.h: what this room calls on higher floors.
 *
 * panic_fault            panic/errors.c: a fault in the program's code is a panic there.
 * panic_goroutine_end    panic/panic.c: what gort_defer left outside any scope runs at the end.
 * panic_string           panic/errors.c: misuse that Go answers with a panic.
 * report_signal          panic/report.c: a fatal signal prints its report and ends the process.
 * report_overflow        panic/report.c: a goroutine ran into the guard of its stack.
 * report_watchdog        panic/report.c: a report that makes no progress is cut short.
 * dump_record_ancestors  dump/traceback.c: GODEBUG=tracebackancestors.
 * dump_free_ancestors    dump/traceback.c.
 * dump_stamp_waiting     dump/goroutines.c: since when each goroutine waits, for "N minutes".
 * io_sigpipe_is_ours     io/rw.c: a write that answers EPIPE instead of dying.
 */
#ifndef SCHED_UP_H
#define SCHED_UP_H

#include "base/attr.h"

struct g;
struct ancestor;

NORETURN void panic_fault(struct g *g);
void panic_goroutine_end(struct g *g);
NORETURN void panic_string(const char *text);
NORETURN SIGSAFE void report_signal(int sig, const void *info, const void *ucontext);
NORETURN SIGSAFE void report_overflow(struct g *g, uintptr_t sp, const void *ucontext);
void report_watchdog(int64_t now_ns);
struct ancestor *dump_record_ancestors(struct g *parent, uintptr_t pc, int max);
void dump_free_ancestors(struct ancestor *a);
void dump_stamp_waiting(int64_t now_ns);
SIGSAFE bool io_sigpipe_is_ours(int *fd);

#endif
