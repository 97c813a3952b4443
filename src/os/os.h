/* os.h: the kernel, as the rest of the house sees it.
 *
 * The only room that makes system calls. Every os_* function returns a value or -errno and leaves
 * the caller's errno alone. Each can be made to fail once by os/fault.h (`make faults`).
 */
#ifndef OS_OS_H
#define OS_OS_H

#include "base/atomic.h"
#include "base/attr.h"

#include <signal.h>
#include <sys/types.h>

/* ---- vm.c: address space */
/* Reserves `bytes` of zeroed private memory, committed by touch; NULL when the kernel refuses. */
void *os_reserve(size_t bytes);
/* Memory for the runtime's own tables: as os_reserve, but accounted normally. */
void *os_map(size_t bytes);
void os_unmap(void *p, size_t bytes);
/* Gives the pages back; they read as zero afterwards. 0, or -errno: they are as they were (the
 * program may have locked them in memory). */
int os_decommit(void *p, size_t bytes);
void os_no_huge_pages(void *p, size_t bytes);
/* Makes [p, p+bytes) fault on any access. 0, or -errno when neither way is to be had. */
int os_guard(void *p, size_t bytes);
size_t os_page_bytes(void);
/* Copies memory that may vanish meanwhile. Returns how many bytes, fewer than n when the rest is not there; or
 * -EFAULT when nothing is, or why the kernel does not do it at all. */
int64_t os_copy_memory(void *to, uintptr_t from, size_t n);
/* For each of n pages from p on, a multiple of os_page_bytes: in_memory[i] & 1 tells whether reading it
 * would touch something. 0; -ENOMEM: not all of it is mapped; another -errno: the kernel does not say. */
int os_pages_in_memory(const void *p, size_t n, unsigned char *in_memory);
/* As os_map, but a child process made by os_clone_child shares it. */
void *os_map_shared(size_t bytes);
/* What os_map returned at `from` is then at `to`, in place of what was mapped there. 0 or -errno. */
int os_move(void *from, void *to, size_t bytes);
/* Gives the pages back when the system is short of memory: they read as zero or as before. 0 or
 * -errno (then the kernel does not know this way). */
int os_decommit_lazily(void *p, size_t bytes);
/* Can the eight bytes at `at` be read? They are then in memory. Asks by a call that no filter of calls refuses. */
bool os_can_read(uintptr_t at);
/* How many of the first 32 pages from the one of `at` on can be read. */
SIGSAFE unsigned os_pages_readable(uintptr_t at);
/* Copies memory of this process; how much, up to the first byte that cannot be read; or -errno, as -ENOSYS where
 * the kernel does not do that. */
SIGSAFE int64_t os_read_memory(void *to, uintptr_t from, size_t bytes);
/* Takes all access rights, and gives them back; 0 or -errno. */
int os_forbid(void *p, size_t bytes);
int os_permit(void *p, size_t bytes);
void os_want_huge_pages(void *p, size_t bytes);
/* A child process, of os_clone_child or of the program, does not get these pages, or gets them again.
 * 0 or -errno. */
int os_keep_from_child(void *p, size_t bytes, bool keep);

/* ---- written.c: which pages were written (userfaultfd in asynchronous write-protect mode, and
 * PAGEMAP_SCAN; Linux 6.7) */
/* 0, or -errno where the kernel refuses. */
int os_written_start(void);
/* [p, p + bytes) is to be tracked; private anonymous memory. 0 or -errno. */
int os_written_track(void *p, size_t bytes);
void os_written_untrack(void *p, size_t bytes);
/* Is all of [lo, hi) private anonymous memory? False also where the kernel does not say (before Linux
 * 6.11). */
bool os_written_can_track(uintptr_t lo, uintptr_t hi);
struct os_range {
    uintptr_t lo, hi;
};
/* Runs of pages of [lo, hi) written since they were last protected, into out[n], protecting them
 * again; pages that were never touched are not written. The number of runs; *next is where to go on: hi
 * when done. Or -errno, and nothing was protected: -EPERM where something in [lo, hi) is not tracked.
 * Whole pages. Any thread, several at once on different ranges. */
int os_written_collect(uintptr_t lo, uintptr_t hi, struct os_range *out, int n, uintptr_t *next);

/* ---- child.c */
/* A child process with a copy of all private memory and only this thread, running fn(arg), which must
 * not take locks that others may hold, nor return; no signal comes when it ends. The pid or -errno. */
int os_clone_child(void (*fn)(void *arg), void *arg);
/* Waits for it to end: its wait status, or -errno. */
int os_child_wait(int pid);

/* ---- thread.c: threads */
/* Starts a thread with all signals blocked but the synchronous ones; 0 or -errno. */
int os_thread_start(void *(*fn)(void *), void *arg);
NORETURN void os_thread_exit(void);
int os_thread_id(void);
void os_thread_yield(void);
/* The clock of CPU time that the calling thread has used, readable from any thread. */
clockid_t os_thread_cpu_clock(void);
int64_t os_clock_read_ns(clockid_t clock); /* -errno when the thread is gone */
/* Does the kernel say that this thread sleeps (rather than runs, or waits for a CPU)? -1: no answer. */
int os_thread_asleep(int tid);
/* Does that thread block `sig`? -1: no answer. */
int os_thread_blocks(int tid, int sig);
/* How often that thread has gone to sleep. -1: no answer. */
int64_t os_thread_sleeps(int tid);
/* How many threads the process has; -1 when the kernel does not say. */
int os_thread_count(void);
/* Sends `sig` to one thread of this process. */
SIGSAFE int os_thread_signal(int tid, int sig);
/* The bounds of the calling thread's own stack; guessed, where libc does not know them. */
void os_thread_stack(uintptr_t *lo, uintptr_t *hi);
/* Makes every running thread of the process pass a full memory barrier. */
void os_membarrier(void);
bool os_has_membarrier(void);
/* Where the thread sleeps in the kernel: its stack pointer; 0: it runs, or the kernel does not say. */
uintptr_t os_thread_sleeping_sp(int tid);
uintptr_t os_thread_pointer(void); /* of the calling thread */

/* ---- modules.c: what the loader has loaded */
struct os_module {
    uintptr_t lo, hi; /* one writable segment: file part, then zeroed part from bss_lo on */
    uintptr_t bss_lo;
};
struct os_tls { /* thread-local block of one module */
    size_t id;  /* the loader's number */
    size_t bytes;
    int64_t offset; /* from the thread pointer; INT64_MIN: not in the static block */
};
/* Lists writable segments and thread-local blocks; may wait for the loader's lock. The tables are
 * replaced at the next call. One caller at a time, outside of stops. */
void os_modules(const struct os_module **m, size_t *nm, const struct os_tls **t, size_t *nt);
/* Without locks: has the loader loaded or unloaded anything since, or is it at it? */
bool os_modules_current(void);
/* The next os_modules lists anew, whatever the loader counts. */
void os_modules_forget(void);
/* The block of a module's thread-locals for the thread with this thread pointer; 0: not there yet. */
uintptr_t os_tls_block(uintptr_t thread_pointer, size_t id);
/* The thread-locals of the program itself, without those of libraries: [*lo, *hi), in whole words; empty if
 * there are none. */
void os_tls_program(uintptr_t thread_pointer, uintptr_t *lo, uintptr_t *hi);
/* Where the thread's control block and static thread-locals are: [*lo, *hi), after os_modules. */
void os_tls_static(uintptr_t thread_pointer, uintptr_t *lo, uintptr_t *hi);
NORETURN SIGSAFE void os_exit(int status);       /* no handlers, no flushing */
NORETURN SIGSAFE void os_die_by_signal(int sig); /* default action, now */

/* ---- lock.c: the runtime's own locks, and notes */
enum lock_rank {
#define RANK(name, text) RANK_##name,
#include "base/ranks.def"
#undef RANK
    RANK_COUNT
};
struct CAPABILITY("lock") lock {
    au32 state; /* 0 free, 1 held, 2 held and somebody may be waiting */
#ifdef GORT_DEBUG
    uint32_t rank;
#endif
};
#ifdef GORT_DEBUG
#define LOCK_INIT(r)                                                                               \
    {                                                                                              \
        .rank = RANK_##r                                                                           \
    }
#define lock_init(l, r) (store_rlx(&(l)->state, 0u), (void)((l)->rank = RANK_##r))
void lock_note_acquired(struct lock *l);
void lock_note_released(struct lock *l);
unsigned locks_held(void); /* by this thread */
void locks_forget(void);   /* a dying thread takes what it still needs in any order */
#else
#define LOCK_INIT(r)                                                                               \
    {                                                                                              \
        .state = { 0 }                                                                             \
    }
#define lock_init(l, r)       store_rlx(&(l)->state, 0u)
#define lock_note_acquired(l) ((void)0)
#define lock_note_released(l) ((void)0)
#define locks_held()          0u
#define locks_forget()        ((void)0)
#endif
void lock_slow(struct lock *l);
void lock_wake(struct lock *l);
const char *lock_rank_name(unsigned rank);

static inline void lock(struct lock *l) ACQUIRES(*l) NO_TSA
{
    if (unlikely(!cas_acq(&l->state, 0u, 1u))) /* pairs with the store in unlock */
        lock_slow(l);
    lock_note_acquired(l);
}
static inline bool lock_try(struct lock *l) TRY_ACQUIRES(true, *l) NO_TSA
{
    if (!cas_acq(&l->state, 0u, 1u))
        return false;
    lock_note_acquired(l);
    return true;
}
static inline void unlock(struct lock *l) RELEASES(*l) NO_TSA
{
    lock_note_released(l);
    if (unlikely(swap_acq_rel(&l->state, 0u) == 2u))
        lock_wake(l);
}

/* A note is raised once and slept on by one thread. */
struct note {
    au32 raised;
};
void note_clear(struct note *n);
SIGSAFE void note_wake(struct note *n);
SIGSAFE void note_sleep(struct note *n);
/* False when `ns` passed first. */
SIGSAFE bool note_sleep_for(struct note *n, int64_t ns);

/* ---- clock.c */
int64_t os_nanotime(void);       /* monotonic */
int64_t os_walltime(void);       /* nanoseconds since 1970 */
int64_t os_process_cpu_ns(void); /* CPU time of all threads, ended ones too */
void os_sleep_ns(int64_t ns);    /* the thread; only for threads of the runtime */
static inline void cpu_relax(unsigned n)
{
    while (n-- > 0)
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("yield");
#endif
}

/* ---- signal.c */
typedef void (*os_signal_fn)(int sig, siginfo_t *info, void *ucontext);
/* Installs `fn` on the alternate stack, restarting calls, unless the program has its own handler.
 * True if installed. */
bool os_signal_install(int sig, os_signal_fn fn);
void os_signal_default(int sig);
/* An alternate stack of `bytes` for the calling thread. */
void os_signal_stack(size_t bytes);
void os_signal_stack_drop(void);
/* Where the calling thread's alternate stack lies; 0, 0: it has none. */
void os_signal_stack_bounds(uintptr_t *lo, uintptr_t *hi);
void os_signal_block_all(sigset_t *old);
void os_signal_set_mask(const sigset_t *mask);
SIGSAFE void os_signal_unblock(int sig);
bool os_signal_blocked(int sig); /* on the calling thread */

/* Installs `fn` as os_signal_install does, also in place of SIG_IGN. False: the program has its own. */
bool os_signal_take(int sig, os_signal_fn fn);
/* Adds `sig` to what the calling thread blocks; the bits of what it blocked before. */
SIGSAFE sigset_t os_signal_block(int sig);

/* ---- cputimer.c: SIGPROF in proportion to CPU time */
/* Sends thread `tid` a SIGPROF (si_code SI_TIMER) when its CPU clock, `clock`, shows first_ns, and then each
 * period_ns, or later: when the kernel's tick finds the thread running. The timer, or -errno. */
int64_t os_cpu_timer_start(int tid, clockid_t clock, int64_t first_ns, int64_t period_ns);
void os_cpu_timer_stop(int64_t timer);
/* Sends a SIGPROF (si_code SI_KERNEL) to whoever runs, for each period_ns of CPU time of the process; 0: no
 * more. 0 or -errno. */
int os_cpu_timer_of_process(int64_t period_ns);

/* ---- fd.c: descriptors */
SIGSAFE int64_t os_write(int fd, const void *buf, size_t n);
int64_t os_read(int fd, void *buf, size_t n);
int os_close(int fd);
SIGSAFE int os_create(const char *path); /* empty, to be written */

/* ---- env.c: the environment as it was at the start */
const char *os_env(const char *name); /* NULL when unset */

/* ---- cpu.c */
int os_cpu_count(void); /* CPUs that this process may run on, at the first call */

#endif
