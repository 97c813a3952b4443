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
 * dump_stamp_waiting     dump/goroutines.c: since when each goroutine waits, for "N minutes". The
 *                        collector has it done in each cycle; the monitor if that is long ago.
 * dump_last_stamp        dump/goroutines.c: when it last did, os_nanotime.
 * io_sigpipe_is_ours     io/rw.c: a write that answers EPIPE instead of dying.
 * gc_tick                gc/cycle.c: the monitor looks in, about once a second.
 * gc_busy                gc/cycle.c: the collector is at something that goroutines may wait for.
 * gc_assist              gc/assist.c: at an m_enter of a goroutine that allocated much while marking
 *                        runs. May park.
 * gc_check_cgo_arg       gc/cgocheck.c: GODEBUG=cgocheck, what a foreign call may be given. May panic.
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
int64_t dump_last_stamp(void);
SIGSAFE bool io_sigpipe_is_ours(int *fd);
void gc_assist(void);
void gc_check_cgo_arg(const void *arg);
void gc_tick(int64_t now_ns);
bool gc_busy(void);

#endif
