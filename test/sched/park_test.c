/* park_test.c: waiting, waking, giving way, stopping the world. */
#include "sched/sched_int.h"
#include "support.h"

#include <gort/go.h>

#include <criterion/criterion.h>

static struct lock gate = LOCK_INIT(chan);
static struct g *parked;
static int order[8];
static au32 norder, nwords, ndone;

static void note_order(int n)
{
    order[load_acq(&norder)] = n;
    add_acq_rel(&norder, 1u); /* when it is written */
}

static void wait_once(void)
{
    m_enter();
    lock(&gate);
    parked = m_curg(self());
    park_unlock(&gate, WAIT_SEMACQUIRE);
    cr_expect_eq(parked->param, &gate, "what ready's caller left");
    m_leave(self());
    note_order(2);
}

static struct g *take_parked(void)
{
    for (;;) {
        m_enter();
        lock(&gate);
        struct g *g = parked;
        unlock(&gate);
        m_leave(self());
        if (g != NULL)
            return g;
        gort_gosched();
    }
}

static void one_waits(void)
{
    gort_go(wait_once);
    struct g *g = take_parked();
    cr_expect_eq(load_rlx(&g->status), (uint32_t)G_WAITING);
    cr_expect_eq(load_rlx(&g->wait_reason), (uint32_t)WAIT_SEMACQUIRE);
    note_order(1);
    struct m *m = m_enter();
    g->param = &gate;
    ready(g);
    m_leave(m);
    while (load_acq(&norder) < 2)
        gort_gosched();
    cr_expect(order[0] == 1 && order[1] == 2);
}

Test(park, ready_brings_it_back)
{
    cr_expect_eq(in_gort(one_waits), 0);
}

static bool refuse(struct g *g, void *arg)
{
    (void)g;
    ++*(int *)arg;
    return false;
}

static void commit_refuses(void)
{
    int times = 0;
    m_enter();
    park(refuse, &times, WAIT_SEMACQUIRE);
    m_leave(self());
    gort_lock_os_thread();
    m_enter();
    park(refuse, &times, WAIT_SEMACQUIRE);
    m_leave(self());
    cr_expect_eq(times, 2);
}

Test(park, a_commit_that_refuses_means_not_waiting)
{
    cr_expect_eq(in_gort(commit_refuses), 0);
}

static int stop, laps[4];

static void lap(int i)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        __atomic_add_fetch(&laps[i], 1, __ATOMIC_RELAXED);
        if (i % 2 == 0)
            gort_gosched();
    }
}

static void sum_laps(long *sum)
{
    *sum = 0;
    for (int i = 0; i < 4; i++)
        *sum += __atomic_load_n(&laps[i], __ATOMIC_RELAXED);
}

static void stop_the_world(void)
{
    for (int i = 0; i < 4; i++)
        gort_go(lap, i);
    for (int round = 0; round < 20; round++) {
        long before, after;
        gort_gosched();
        m_enter();
        world_stop(WAIT_STOPPING);
        sum_laps(&before);
        for (volatile int i = 0; i < 100000; i++)
            ;
        sum_laps(&after);
        world_start();
        m_leave(self());
        cr_expect_eq(before, after, "nobody ran while the world was stopped");
    }
    stop = 1;
}

Test(world, stops_loops_with_and_without_calls)
{
    cr_expect_eq(in_gort(stop_the_world), 0);
}

static void count_all(struct g *g, void *arg)
{
    (void)g;
    ++*(int *)arg;
}

static void walk(void)
{
    int n = 0;
    for (int i = 0; i < 100; i++)
        gort_go(wait_once);
    while (n < 101) {
        n = 0;
        gort_gosched();
        m_enter();
        world_stop(WAIT_STOPPING);
        g_each(count_all, &n);
        world_start();
        m_leave(self());
    }
    cr_expect_eq(n, gort_num_goroutine());
}

Test(g, each_visits_all_that_live)
{
    cr_expect_eq(in_gort(walk), 0);
}

static void set_and_check(int control)
{
    for (int i = 0; i < 1000; i++) {
#if defined(__x86_64__)
        unsigned mxcsr = 0x1f80u | (unsigned)control << 13, now;
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
        gort_gosched();
        __asm__ volatile("stmxcsr %0" : "=m"(now));
        cr_expect_eq(now & 0x6000u, mxcsr & 0x6000u, "the rounding mode is the goroutine's");
#endif
    }
    add_acq_rel(&ndone, 1u);
}

static void control_words(void)
{
    for (int i = 0; i < 4; i++)
        gort_go(set_and_check, i);
    while (load_acq(&ndone) < 4)
        gort_gosched();
}

Test(arch, a_switch_keeps_the_rounding_mode)
{
    cr_expect_eq(in_gort(control_words), 0);
}

static uintptr_t words[6];

static void keep_words(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f)
{
    const uintptr_t got[] = {a, b, c, d, e, f};
    for (int i = 0; i < 6; i++)
        words[i] = got[i];
    store_rel(&nwords, 6u); /* pairs with the loop in pass_words */
}

static void pass_words(void)
{
    gort_go(keep_words, 1, 2, 3, 4, (uintptr_t)-5, (uintptr_t)&words);
    while (load_acq(&nwords) == 0)
        gort_gosched();
    cr_expect(words[0] == 1 && words[1] == 2 && words[2] == 3 && words[3] == 4);
    cr_expect(words[4] == (uintptr_t)-5 && words[5] == (uintptr_t)&words);
}

Test(g, six_arguments_arrive)
{
    cr_expect_eq(in_gort(pass_words), 0);
}
