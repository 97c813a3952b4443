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
 * dump_cgo_waits, dump_cgo_goes_on   dump/cgo.c: a foreign call that called back waits; other threads may
 *                        want its stack meanwhile (gort_set_cgo_traceback's context function).
 * dump_stamp_waiting     dump/goroutines.c: since when each goroutine waits, for "N minutes". The
 *                        collector has it done in each cycle; the monitor if that is long ago.
 * dump_last_stamp        dump/goroutines.c: when it last did, os_nanotime.
 * io_sigpipe_is_ours     io/rw.c: a write that answers EPIPE instead of dying.
 * prof_thread_begins     prof/cpu.c: a thread of the runtime's is there, and is to be sampled from now on.
 * prof_thread_ends       prof/cpu.c: it is about to end, or to be the program's again.
 * prof_shot_created, prof_shot_moves   prof/shot.c: a goroutine is new; it is about to leave the place where it
 *                        waits. Called only while the stacks of all are noted. They park nobody.
 * gc_tick                gc/cycle.c: the monitor looks in, about once a second.
 * gc_busy                gc/cycle.c: the collector is at something that goroutines may wait for.
 * gc_assist              gc/assist.c: at an m_enter of a goroutine that allocated much while marking
 *                        runs. May park.
 * trace_*                trace/emit.c, trace/control.c: what sched/taps.h says happens, for execution
 *                        traces. Called only while one is made (trace_thread_end: if the thread ever
 *                        wrote into one). They park nobody.
 * trace_busy             trace/control.c: the tracer is at something that goroutines wait for.
 * gc_check_cgo_arg       gc/cgocheck.c: GODEBUG=cgocheck, what a foreign call may be given. May panic.
 */
#ifndef SCHED_UP_H
#define SCHED_UP_H

#include "base/attr.h"

struct g;
struct m;
struct p;
struct ancestor;

NORETURN void panic_fault(struct g *g);
void panic_goroutine_end(struct g *g);
NORETURN void panic_string(const char *text);
NORETURN SIGSAFE void report_signal(int sig, const void *info, const void *ucontext);
NORETURN SIGSAFE void report_overflow(struct g *g, uintptr_t sp, const void *ucontext);
void report_watchdog(int64_t now_ns);
struct ancestor *dump_record_ancestors(struct g *parent, uintptr_t pc, int max);
void dump_free_ancestors(struct ancestor *a);
void dump_cgo_waits(struct g *g);
void dump_cgo_goes_on(struct g *g);
void dump_stamp_waiting(int64_t now_ns);
int64_t dump_last_stamp(void);
SIGSAFE bool io_sigpipe_is_ours(int *fd);
void prof_thread_begins(struct m *m);
void prof_thread_ends(struct m *m);
void prof_shot_created(struct g *g);
void prof_shot_moves(struct g *g);
void gc_assist(void);
void gc_check_cgo_arg(const void *arg);
void gc_tick(int64_t now_ns);
bool gc_busy(void);
void trace_go_create(struct g *g);
void trace_go_start(struct m *m, struct g *g);
void trace_go_block(struct m *m, struct g *g, unsigned why);
void trace_go_unblock(struct g *g);
void trace_go_stop(struct m *m, struct g *g, unsigned why);
void trace_go_end(struct m *m, struct g *g);
void trace_thread_attach(struct m *m, struct g *g);
void trace_thread_end(struct m *m);
void trace_syscall_begin(struct m *m);
void trace_syscall_end(struct m *m);
void trace_syscall_lost(struct m *m, struct g *g);
void trace_proc_start(struct m *m, struct p *p);
void trace_proc_stop(struct m *m, struct p *p);
void trace_proc_steal(struct p *p, struct m *from);
void trace_procs_changed(uint32_t n);
void trace_stw_begin(unsigned kind);
void trace_stw_end(void);
bool trace_busy(void);

#endif
