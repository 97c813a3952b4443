/* cpu_int.h: what the files of the CPU profile share. */
#ifndef PROF_CPU_INT_H
#define PROF_CPU_INT_H

#include "prof/prof_int.h"

#include <signal.h>

struct m;
enum { CPU_FRAMES = 128 };

/* What the outermost caller of a stack is, where no goroutine's function is. */
enum cpu_root {
    CPU_ROOT_NONE,
    CPU_ROOT_SYSTEM,   /* `runtime._System`: the scheduler, the monitor */
    CPU_ROOT_GC,       /* `runtime._GC`: the collector's threads */
    CPU_ROOT_EXTERNAL, /* `runtime._ExternalCode`: a thread that is not the runtime's */
};

/* ---- cpu_sample.c: the handler of SIGPROF */
SIGSAFE void cpu_on_signal(int sig, siginfo_t *info, void *ucontext);
/* Waits until no handler is at work that began before. */
void cpu_await_handlers(void);

/* ---- cpu_due.c: how many samples a thread's CPU time is worth */
/* The first is due when the thread's clock shows first_ns. */
void cpu_due_begin(struct m *m, int64_t first_ns, int64_t every_ns);
/* How many are due by now of a thread that has, or had, a timer: the caller's to count. */
SIGSAFE uint32_t cpu_due_take(struct m *m);
/* The thread is sampled no more: counts what is due. */
void cpu_due_end(struct m *m);
/* Signals threads whose samples are overdue. How many threads have a timer. */
uint32_t cpu_due_look(void);
/* After threads have no timers any more: nobody is about to be signalled. */
void cpu_due_await_look(void);

/* ---- cpu_log.c: from the handler to counts */
/* Makes the ring at the first call, and the thread that empties it. The caller is inside. 0 or -errno. */
int cpu_log_start(void);
/* `weight` samples of one place, where the calling thread is. */
SIGSAFE void cpu_log_put(const uintptr_t *pcs, size_t n, const gort_pprof_labels *labels,
                         enum cpu_root root, uint32_t weight);
/* `n` samples of a thread, where its last one was; if samples are counted. */
void cpu_log_rest(struct m *m, uint32_t n);
/* Counts what is in the ring if `keep`, or drops it. The caller is inside, or a helper. */
void cpu_log_drain(bool keep);
/* From now on each sample is counted, or none is. Wakes the thread that empties the ring. The caller is inside. */
void cpu_log_count(bool on);

struct cpu_count {
    uint64_t hash, count;
    size_t pcs_at, labels_at; /* in `words`; labels_at 0: none */
    uint32_t n;
    enum cpu_root root;
};
/* What was counted. */
struct cpu_counts {
    struct cpu_count *count; /* hash table; count 0: free */
    size_t used, cap;        /* a power of two, or 0 */
    uint64_t *words;
    size_t words_used, words_cap;
    uint64_t lost;
};
/* Takes what was counted; the next profile begins with nothing. The caller is inside. */
struct cpu_counts cpu_log_take(void);
void cpu_counts_free(struct cpu_counts *c);

#endif
