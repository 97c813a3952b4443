/* The CPU profile: from the handler to counts; who has a timer. */
#include "prof/cpu_int.h"

#include "base/probe.h"
#include "conf/limits.h"
#include "os/os.h"
#include "prof/prof.h"
#include "sched/sched.h"
#include "support.h"

#include <gort/go.h>
#include <gort/mem.h>
#include <gort/pprof.h>
#include <gort/prof.h>
#include <gort/sync.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* ---- the ring and the table */
static const struct cpu_count *count_of(const struct cpu_counts *c, const uintptr_t *pcs, size_t n,
                                        const char *label)
{
    for (size_t i = 0; i < c->cap; i++) {
        const struct cpu_count *k = &c->count[i];
        if (k->count == 0 || k->n != n ||
            (n > 0 && memcmp(&c->words[k->pcs_at], pcs, n * sizeof *pcs) != 0))
            continue;
        const void *l = k->labels_at != 0 ? &c->words[k->labels_at] : NULL;
        const char *has = gort_pprof_label(l, "key");
        if ((has == NULL) == (label == NULL) && (has == NULL || strcmp(has, label) == 0))
            return k;
    }
    return NULL;
}

static void counted(void)
{
    uintptr_t pcs[] = {0x1001, 0x2001, 0x3001};
    struct m *m = m_enter();
    cr_expect_eq(cpu_log_start(), 0);
    cpu_log_count(true);
    m_leave(m);
    const gort_pprof_labels *red = gort_pprof_with_labels(NULL, "key", "red", NULL);
    const gort_pprof_labels *red2 = gort_pprof_with_labels(NULL, "key", "red", NULL);
    const gort_pprof_labels *blue = gort_pprof_with_labels(NULL, "key", "blue", NULL);
    m = m_enter();
    for (int i = 0; i < 5; i++) {
        cpu_log_put(pcs, 3, NULL, CPU_ROOT_NONE, 1);
        cpu_log_drain(true);
        cpu_log_put(pcs, 2, NULL, CPU_ROOT_NONE, 3);
        cpu_log_drain(true);
        cpu_log_put(pcs, 2, i % 2 == 0 ? red : red2, CPU_ROOT_NONE, 1);
        cpu_log_drain(true);
        cpu_log_put(pcs, 2, blue, CPU_ROOT_NONE, 2);
        cpu_log_drain(true);
    }
    cpu_log_put(pcs, 1, NULL, CPU_ROOT_GC, 1);
    cpu_log_drain(true);
    cpu_log_count(false); /* whoever empties the ring */
    cpu_log_put(pcs, 3, NULL, CPU_ROOT_NONE, 1);
    cpu_log_drain(false);
    struct cpu_counts c = cpu_log_take();
    m_leave(m);
    cr_expect_eq(c.used, 5);
    cr_expect_eq(c.lost, 0);
    cr_expect_eq(count_of(&c, pcs, 3, NULL)->count, 5, "what is not kept is not counted");
    cr_expect_eq(count_of(&c, pcs, 2, NULL)->count, 15);
    cr_expect_eq(count_of(&c, pcs, 2, "red")->count, 5, "equal labels are one");
    cr_expect_eq(count_of(&c, pcs, 2, "blue")->count, 10);
    cr_expect_eq(count_of(&c, pcs, 1, NULL)->root, CPU_ROOT_GC);
    cpu_counts_free(&c);
    INSIDE(c = cpu_log_take());
    cr_expect_eq(c.used, 0, "the next profile begins with nothing");
}
Test(cpu_log, counts_stacks_by_labels_and_weight)
{
    cr_expect_eq(in_gort(counted), 0);
}

static uint64_t total(const struct cpu_counts *c)
{
    uint64_t n = 0;
    for (size_t i = 0; i < c->cap; i++)
        n += c->count[i].count;
    return n;
}

enum { WRITERS = 4, EACH = 20000, PLACES = 700 };
static void *write_samples(void *arg)
{
    uintptr_t pcs[CPU_FRAMES];
    (void)arg;
    for (uintptr_t i = 0; i < EACH; i++) {
        size_t n = 1 + i % CPU_FRAMES;
        for (size_t k = 0; k < n; k++)
            pcs[k] = i % PLACES * 1000 + k;
        cpu_log_put(pcs, n, NULL, CPU_ROOT_NONE, 2);
    }
    return arg;
}

/* Each sample that comes out went in whole, and none is lost uncounted. True if some were. */
static bool some_lost(void)
{
    pthread_t t[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&t[i], NULL, write_samples, NULL);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(t[i], NULL);
    struct m *m = m_enter();
    cpu_log_drain(true);
    struct cpu_counts c = cpu_log_take();
    m_leave(m);
    cr_expect_eq(total(&c) + c.lost, 2 * WRITERS * EACH, "%d and %d", (int)total(&c), (int)c.lost);
    for (size_t i = 0; i < c.cap; i++)
        for (uint32_t k = 1; c.count[i].count != 0 && k < c.count[i].n; k++)
            cr_expect_eq(c.words[c.count[i].pcs_at + k], c.words[c.count[i].pcs_at] + k);
    cpu_counts_free(&c);
    return c.lost > 0;
}
static void at_once(void)
{
    struct m *m = m_enter();
    cr_expect_eq(cpu_log_start(), 0);
    cpu_log_count(true);
    m_leave(m);
    while (!some_lost()) /* they write faster than anybody counts */
        ;
}
Test(cpu_log, takes_samples_of_many_threads)
{
    cr_expect_eq(in_gort(at_once), 0);
}

/* A label that only the ring knows. */
static __attribute__((noinline)) void put_labelled(void)
{
    uintptr_t pc = 0x1001;
    char value[2000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    cpu_log_put(&pc, 1, gort_pprof_with_labels(NULL, "key", value, NULL), CPU_ROOT_NONE, 1);
}
static void label_in_ring(void)
{
    struct m *m = m_enter();
    cr_expect_eq(cpu_log_start(), 0);
    m_leave(m);
    put_labelled();
    gort_gc();
    gort_gc();
    for (int i = 0; i < 1000; i++)
        memset(gort_alloc_noscan(2000), 'x', 2000);
    m = m_enter();
    cpu_log_drain(true);
    struct cpu_counts c = cpu_log_take();
    m_leave(m);
    cr_expect_eq(c.used, 1);
    for (size_t i = 0; i < c.cap; i++)
        if (c.count[i].count != 0) {
            const void *l = &c.words[c.count[i].labels_at];
            cr_expect_eq(strspn(gort_pprof_label(l, "key"), "v"), 1999);
        }
    cpu_counts_free(&c);
}
Test(cpu_log, keeps_labels_alive)
{
    cr_expect_eq(in_gort(label_in_ring), 0);
}

/* ---- whose code a signal finds */
static void interrupt(int code)
{
    siginfo_t info = {.si_code = code};
    ucontext_t here;
    getcontext(&here);
    errno = 77;
    cpu_on_signal(SIGPROF, &info, &here);
    cr_expect_eq(errno, 77);
}

/* What was counted since; the first of its roots in *root. */
static uint64_t found(enum cpu_root *root, const char *label)
{
    struct m *m = m_enter();
    cpu_log_drain(true);
    struct cpu_counts c = cpu_log_take();
    m_leave(m);
    uint64_t n = total(&c);
    for (size_t i = 0; i < c.cap; i++) {
        if (c.count[i].count == 0)
            continue;
        *root = c.count[i].root;
        cr_expect(c.count[i].n > 1 && c.count[i].n <= CPU_FRAMES, "%d frames", (int)c.count[i].n);
        const void *l = c.count[i].labels_at != 0 ? &c.words[c.count[i].labels_at] : NULL;
        const char *has = gort_pprof_label(l, "key");
        cr_expect((has == NULL) == (label == NULL) && (has == NULL || strcmp(has, label) == 0));
    }
    cpu_counts_free(&c);
    return n;
}

static void *on_stranger(void *arg)
{
    interrupt(SI_KERNEL);
    return arg;
}

static void interrupt_foreign(void *arg)
{
    (void)arg;
    interrupt(SI_KERNEL);
}

static struct note helped;
static void on_helper(void *kind)
{
    if (kind != NULL)
        self()->kind = M_COLLECTOR;
    interrupt(SI_KERNEL);
    note_wake(&helped);
    for (;;)
        os_sleep_ns(INT64_C(3600000000000));
}

static void places(void)
{
    enum cpu_root root;
    pthread_t t;
    struct m *m = m_enter();
    cr_expect_eq(cpu_log_start(), 0);
    cpu_log_count(true);
    probe_set(PROBE_CPU, true);
    interrupt(SI_KERNEL);
    m_leave(m);
    cr_expect_eq(found(&root, NULL), 1, "inside the runtime, too");
    cr_expect_eq(root, CPU_ROOT_NONE);
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "key", "own", NULL));
    interrupt(SI_KERNEL);
    cr_expect_eq(found(&root, "own"), 1);
    interrupt(SI_USER);
    interrupt(SI_TKILL);
    interrupt(SI_TIMER);
    cr_expect_eq(found(&root, NULL), 0, "somebody's kill is no sample, nor a timer's that is gone");
    gort_cgocall(interrupt_foreign, NULL);
    cr_expect_eq(found(&root, "own"), 1);
    cr_expect_eq(root, CPU_ROOT_NONE);
    pthread_create(&t, NULL, on_stranger, NULL);
    pthread_join(t, NULL);
    cr_expect_eq(found(&root, NULL), 1);
    cr_expect_eq(root, CPU_ROOT_EXTERNAL);
    for (int i = 0; i < 2; i++) {
        note_clear(&helped);
        cr_expect_eq(sched_helper_start(on_helper, i == 0 ? NULL : &root), 0);
        note_sleep(&helped);
        cr_expect_eq(found(&root, NULL), 1);
        cr_expect_eq(root, i == 0 ? CPU_ROOT_SYSTEM : CPU_ROOT_GC);
    }
    probe_set(PROBE_CPU, false);
    interrupt(SI_KERNEL);
    cr_expect_eq(found(&root, NULL), 0, "after the end nothing is counted");
}
Test(cpu, knows_whose_code_it_interrupts)
{
    cr_expect_eq(in_gort(places), 0);
}

/* ---- timers */
struct armed {
    int with, without;
};
static void look_at_timer(struct m *m, void *arg)
{
    struct armed *t = arg;
    if (prof_thread_has_timer(m))
        t->with++;
    else
        t->without++;
}
static struct armed timers(void)
{
    struct armed t = {0, 0};
    sched_each_thread(look_at_timer, &t);
    return t;
}

static gort_waitgroup attached, looked;
static void *attach(void *arg)
{
    gort_attach_thread();
    gort_waitgroup_done(&attached);
    gort_waitgroup_wait(&looked);
    gort_detach_thread();
    return arg;
}

static void threads_come_and_go(void)
{
    enum { N = 5 };
    pthread_t t[N];
    int fd = dup(2);
    gort_gc(); /* helpers are there */
    cr_expect_eq(timers().with, 0);
    cr_expect_eq(gort_pprof_start_cpu_profile(fd), 0);
    for (int round = 0; round < 3; round++) {
        int before = timers().with;
        gort_waitgroup_add(&attached, N);
        gort_waitgroup_add(&looked, 1);
        for (int i = 0; i < N; i++)
            pthread_create(&t[i], NULL, attach, NULL);
        gort_waitgroup_wait(&attached);
        cr_expect(timers().with >= before + N, "%d, then %d", before, timers().with);
        while (timers().without != 0) /* one may just begin */
            gort_gosched();
        gort_waitgroup_done(&looked);
        for (int i = 0; i < N; i++)
            pthread_join(t[i], NULL);
    }
    gort_set_cpu_profile_rate(0);
    cr_expect_eq(timers().with, 0);
}
Test(cpu, gives_each_thread_a_timer)
{
    cr_expect_eq(in_gort(threads_come_and_go), 0);
}

/* ---- a kernel that refuses the timer of the process */
static void refused_by_kernel(void)
{
    int fd = dup(2);
    gort_gc();
    cr_expect_eq(gort_pprof_start_cpu_profile(fd), -1);
    cr_expect_eq(errno, EPERM);
    cr_expect_eq(timers().with, 0, "nothing is sampled then");
    gort_set_cpu_profile_rate(100);
    cr_expect_eq(timers().with, 0);
    cr_expect_eq(gort_pprof_stop_cpu_profile(), 0);
}
Test(cpu, starts_as_a_whole_or_not_at_all)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setitimer, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_LEN(code), code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        cr_skip_test("no seccomp here");
    cr_expect_eq(in_gort(refused_by_kernel), 0);
}

/* ---- what is due */
#define HOUR INT64_C(3600000000000)
static struct m thread;
static au64 taken;
static void *take(void *rounds)
{
    for (int *n = rounds; *n > 0; --*n)
        add_rlx(&taken, (uint64_t)cpu_due_take(&thread));
    return rounds;
}
Test(cpu_due, counts_each_sample_once)
{
    enum { TAKERS = 4 };
    pthread_t t[TAKERS];
    int rounds[TAKERS];
    thread.cpu_clock = CLOCK_MONOTONIC; /* whoever reads it */
    int64_t now = os_clock_read_ns(thread.cpu_clock);
    cpu_due_begin(&thread, now + HOUR, HOUR);
    cr_expect_eq(cpu_due_take(&thread), 0, "not yet");
    cpu_due_begin(&thread, now, HOUR);
    cr_expect_eq(cpu_due_take(&thread), 1);
    cr_expect_eq(cpu_due_take(&thread), 0);
    cpu_due_begin(&thread, now - 5 * HOUR - HOUR / 2, HOUR);
    cr_expect_eq(cpu_due_take(&thread), 6, "the first, and five since");
    cr_expect_eq(load_rlx(&thread.cpu_due), now + HOUR / 2,
                 "when they are due does not depend on who comes");
    cpu_due_begin(&thread, now, 100);
    for (int i = 0; i < TAKERS; i++) {
        rounds[i] = 100000;
        pthread_create(&t[i], NULL, take, &rounds[i]);
    }
    for (int i = 0; i < TAKERS; i++)
        pthread_join(t[i], NULL);
    cr_expect_eq((int64_t)load_rlx(&taken), (load_rlx(&thread.cpu_due) - now) / 100);
    thread.cpu_clock = 12345; /* there is none */
    cr_expect_eq(cpu_due_take(&thread), 0);
}

/* The kernel's timer never finds this thread, as if it ran between two ticks only. */
static volatile uint64_t sink;
static void late(void)
{
    enum cpu_root root;
    struct m *m = m_enter();
    cr_expect_eq(cpu_log_start(), 0);
    cr_expect(os_signal_take(SIGPROF, cpu_on_signal));
    int64_t first = os_clock_read_ns(m->cpu_clock);
    cpu_due_begin(m, first, 1000000);
    store_seq(&m->cpu_timer, INT32_MAX); /* no such timer */
    probe_set(PROBE_CPU, true);
    cpu_log_count(true);
    while (load_rlx(&m->cpu_due) == first)
        for (unsigned i = 0; i < 100000; i++)
            sink += i;
    probe_set(PROBE_CPU, false);
    cpu_await_handlers();
    prof_thread_ends(m);
    prof_thread_begins(m);
    m_leave(m);
    cr_expect(found(&root, NULL) >= 1);
    cr_expect_eq(root, CPU_ROOT_NONE);
}
Test(cpu_due, is_signalled_to_who_computes)
{
    cr_expect_eq(in_gort(late), 0);
}

/* ---- what is due at the end */
static void rests(void)
{
    static struct m worker, helper = {.kind = M_HELPER}, again;
    uintptr_t pcs[] = {0x1001, 0x2001, 0x3001};
    struct m *m = m_enter();
    cr_expect_eq(cpu_log_start(), 0);
    cpu_log_rest(m, 100);
    cpu_log_count(true);
    cpu_log_rest(m, 1);
    cpu_log_put(pcs, 2, NULL, CPU_ROOT_NONE, 1);
    cpu_log_put(pcs, 3, NULL, CPU_ROOT_NONE, 1);
    cpu_log_rest(m, 10);
    cpu_log_rest(&helper, 20);
    cpu_log_rest(&worker, 30);
    again = *m; /* another thread has got it since */
    again.tid++;
    cpu_log_rest(&again, 40);
    struct cpu_counts c = cpu_log_take();
    cpu_log_rest(m, 5);
    struct cpu_counts next = cpu_log_take();
    m_leave(m);
    cr_expect_eq(count_of(&c, pcs, 2, NULL)->count, 1);
    cr_expect_eq(count_of(&c, pcs, 3, NULL)->count, 11, "where the last sample was");
    cr_expect_eq(count_of(&c, NULL, 0, NULL)->count, 20);
    cr_expect_eq(count_of(&c, NULL, 0, NULL)->root, CPU_ROOT_SYSTEM);
    cr_expect_eq(c.lost, 71, "nobody knows where");
    cr_expect_eq(c.used, 3);
    cr_expect_eq(next.used, 0);
    cr_expect_eq(next.lost, 5, "the last sample is another profile's");
    cpu_counts_free(&c);
    cpu_counts_free(&next);
}
Test(cpu_log, counts_the_rest_where_the_last_sample_was)
{
    cr_expect_eq(in_gort(rests), 0);
}

/* ---- misuse */
static void twice(void)
{
    int null = dup(2);
    cr_expect_eq(gort_pprof_stop_cpu_profile(), 0, "there is none: as in Go");
    cr_expect_eq(gort_pprof_start_cpu_profile(null), 0);
    errno = 0;
    cr_expect_eq(gort_pprof_start_cpu_profile(null), -1);
    cr_expect_eq(errno, EBUSY);
    gort_set_cpu_profile_rate(0);
    close(null);
    cr_expect_eq(gort_pprof_stop_cpu_profile(), -1);
    cr_expect_eq(errno, EBADF);
    cr_expect_eq(gort_pprof_stop_cpu_profile(), 0);
}
Test(cpu, is_profiled_once_at_a_time)
{
    cr_expect_eq(in_gort(twice), 0);
}

static void programs_own(int sig)
{
    (void)sig;
}
static void refused(void)
{
    signal(SIGPROF, programs_own);
    cr_expect_eq(gort_pprof_start_cpu_profile(1), -1);
    cr_expect_eq(errno, EBUSY);
    cr_expect(signal(SIGPROF, SIG_IGN) == programs_own, "it stays");
    int null = dup(2);
    cr_expect_eq(gort_pprof_start_cpu_profile(null), 0);
    gort_set_cpu_profile_rate(0);
    close(null);
    (void)gort_pprof_stop_cpu_profile();
}
Test(cpu, leaves_the_programs_handler_alone)
{
    cr_expect_eq(in_gort(refused), 0);
}
