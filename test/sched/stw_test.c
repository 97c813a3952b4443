/* stw_test.c: threads without a P, helpers of the runtime, what is known of those in calls. */
#include "sched/sched_int.h"
#include "support.h"

#include <gort/go.h>

#include "conf/conf.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A helper stops the world when asked, and says what it saw. */
static struct note ask, answer;
static void (*look)(void);

static void helper(void *arg)
{
    (void)arg;
    for (;;) {
        note_sleep(&ask);
        note_clear(&ask);
        world_stop_all(WAIT_STOPPING);
        look();
        world_start();
        note_wake(&answer);
    }
}

/* From a goroutine: asks the helper, and waits as in a call. */
static void look_stopped(void (*fn)(void))
{
    static bool started;
    look = fn;
    note_clear(&answer);
    if (!started) {
        cr_expect_eq(sched_helper_start(helper, NULL), 0);
        started = true;
    }
    note_wake(&ask);
    sched_enter_syscall();
    note_sleep(&answer);
    sched_exit_syscall();
}

enum { RUNNERS = 4, ROUNDS = 30 };
static au32 stop, laps[RUNNERS], moved;

static void lap(int i)
{
    while (load_rlx(&stop) == 0) {
        store_rlx(&laps[i], load_rlx(&laps[i]) + 1);
        if (i % 2 == 0)
            gort_gosched();
    }
}

static uint32_t all_laps(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < RUNNERS; i++)
        sum += load_rlx(&laps[i]);
    return sum;
}

static void laps_stand_still(void)
{
    uint32_t before = all_laps();
    for (volatile int i = 0; i < 100000; i++)
        ;
    if (all_laps() != before)
        add_acq_rel(&moved, 1u);
}

static void stop_by_helper(void)
{
    for (int i = 0; i < RUNNERS; i++)
        gort_go(lap, i);
    for (int round = 0; round < ROUNDS; round++) {
        gort_gosched();
        look_stopped(laps_stand_still);
    }
    store_rlx(&stop, 1u);
    cr_expect_eq(load_acq(&moved), 0u);
}

Test(stw, a_helper_stops_everybody)
{
    cr_expect_eq(in_gort(stop_by_helper), 0);
}

/* An attached thread that computes, without a P and without calls. */
static au32 attached;

static void *compute(void *arg)
{
    (void)arg;
    gort_attach_thread();
    store_rel(&attached, 1u);
    while (load_rlx(&stop) == 0)
        store_rlx(&laps[0], load_rlx(&laps[0]) + 1);
    gort_detach_thread();
    return NULL;
}

static void stop_attached(void)
{
    pthread_t t;
    cr_expect_eq(pthread_create(&t, NULL, compute, NULL), 0);
    while (load_acq(&attached) == 0)
        gort_gosched();
    for (int round = 0; round < ROUNDS; round++)
        look_stopped(laps_stand_still);
    store_rlx(&stop, 1u);
    sched_enter_syscall();
    pthread_join(t, NULL);
    sched_exit_syscall();
    cr_expect_eq(load_acq(&moved), 0u);
}

Test(stw, an_attached_thread_that_computes_is_held)
{
    if (!track_no_signals())
        cr_expect_eq(in_gort(stop_attached), 0);
}

/* One that sleeps with all signals blocked. */
static au32 loose;

static void *sleep_undisturbed(void *arg)
{
    sigset_t all;
    (void)arg;
    gort_attach_thread();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    store_rel(&attached, 1u);
    while (load_rlx(&stop) == 0)
        usleep(200000);
    gort_detach_thread();
    return NULL;
}

static void count_loose(struct m *m, void *arg)
{
    (void)arg;
    if (m->loose)
        add_acq_rel(&loose, 1u);
}

static void look_for_loose(void)
{
    sched_each_m(count_loose, NULL);
}

static void stop_undisturbed(void)
{
    pthread_t t;
    cr_expect_eq(pthread_create(&t, NULL, sleep_undisturbed, NULL), 0);
    while (load_acq(&attached) == 0)
        gort_gosched();
    for (int round = 0; round < 5; round++)
        look_stopped(look_for_loose);
    store_rlx(&stop, 1u);
    sched_enter_syscall();
    pthread_join(t, NULL);
    sched_exit_syscall();
    cr_expect_gt(load_acq(&loose), 0u);
}

Test(stw, one_that_blocks_signals_and_sleeps_is_not_waited_for)
{
    cr_expect_eq(in_gort(stop_undisturbed), 0);
}

/* A goroutine in an announced call: a callee-saved register and the stack are known. */
static struct g *caller;
static au32 in_call, seen;
static int fds[2];

static bool context_has(const struct context *c, uintptr_t word)
{
    const uintptr_t *at = (const uintptr_t *)c;
    for (size_t i = 0; i < sizeof *c / sizeof *at; i++)
        if (at[i] == word)
            return true;
    return false;
}

/* It reads between the variables of a stack that is not its own. */
__attribute__((no_sanitize("address"))) static void look_at_caller(void)
{
    uintptr_t sp = caller->ctx.sp;
    bool on_stack = false, inside = sp > caller->stack.lo && sp < caller->stack.hi;
    for (uintptr_t at = (sp + 7) & ~(uintptr_t)7; inside && at < caller->stack.hi; at += 8)
        on_stack = on_stack || *(const uintptr_t *)at == ~(uintptr_t)0x123456789;
    if (inside && (on_stack || context_has(&caller->ctx, ~(uintptr_t)0x123456789)))
        add_acq_rel(&seen, 1u);
}

static void call_for_long(uintptr_t word)
{
    char c;
    register uintptr_t keep =
        ~word; /* in a register that calls preserve, or spilled by this function */
    __asm__ volatile("" : "+r"(keep));
    caller = m_curg(self());
    gort_enter_syscall();
    store_rel(&in_call, 1u);
    cr_expect_eq(read(fds[0], &c, 1), 1);
    gort_exit_syscall();
    __asm__ volatile("" : : "r"(keep));
    add_acq_rel(&in_call, 1u);
}

static void look_into_call(void)
{
    cr_expect_eq(pipe(fds), 0);
    gort_go(call_for_long, (uintptr_t)0x123456789);
    while (load_acq(&in_call) == 0)
        gort_gosched();
    for (int round = 0; round < 5; round++)
        look_stopped(look_at_caller);
    cr_expect_eq(write(fds[1], "x", 1), 1);
    while (load_acq(&in_call) == 1)
        gort_gosched();
    cr_expect_eq(load_acq(&seen), 5u);
}

Test(stw, the_registers_of_a_caller_are_known)
{
    cr_expect_eq(in_gort(look_into_call), 0);
}

/* A call that ends while the world is held goes on only afterwards. */
static au32 back;

static void end_call(void)
{
    struct timespec t = {0, 20000000};
    ssize_t n = write(fds[1], "x", 1);
    nanosleep(&t, NULL);
    if (n == 1 && load_acq(&back) == 0)
        add_acq_rel(&seen, 1u);
}

static void come_back(void)
{
    char c;
    gort_enter_syscall();
    store_rel(&in_call, 1u);
    ssize_t n = read(fds[0], &c, 1);
    gort_exit_syscall();
    store_rel(&back, 1u);
    cr_expect_eq(n, 1);
}

static void call_ends_in_stop(void)
{
    cr_expect_eq(pipe(fds), 0);
    gort_go(come_back);
    while (load_acq(&in_call) == 0)
        gort_gosched();
    look_stopped(end_call);
    while (load_acq(&back) == 0)
        gort_gosched();
    cr_expect_eq(load_acq(&seen), 1u);
}

Test(stw, a_call_that_ends_waits_for_the_start)
{
    cr_expect_eq(in_gort(call_ends_in_stop), 0);
}

/* Several stoppers at once. */
static au32 ndone;

static void stop_often(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        m_enter();
        world_stop(WAIT_STOPPING);
        laps_stand_still();
        world_start();
        m_leave(self());
    }
    add_acq_rel(&ndone, 1u);
}

static void contend(void)
{
    for (int i = 0; i < RUNNERS; i++)
        gort_go(stop_often);
    for (int i = 0; i < ROUNDS; i++)
        look_stopped(laps_stand_still);
    while (load_acq(&ndone) < RUNNERS)
        gort_gosched();
    cr_expect_eq(load_acq(&moved), 0u);
}

Test(stw, stoppers_take_turns)
{
    cr_expect_eq(in_gort(contend), 0);
}

/* A goroutine that sleeps with its P, unannounced, and gets no signal: until it is woken after the stop. */
static void sleep_with_p(void)
{
    char c;
    add_acq_rel(&in_call, 1u);
    cr_expect_eq(syscall(SYS_read, fds[0], &c, 1), 1);
    store_rel(&back, 1u);
}

static void look_whether_back(void)
{
    if (load_acq(&back) == 0)
        add_acq_rel(&seen, 1u);
}

static void stop_sleeping(void)
{
    cr_expect_eq(pipe(fds), 0);
    gort_go(sleep_with_p);
    while (load_acq(&in_call) == 0)
        gort_gosched();
    knobs.asyncpreemptoff = 1;
    look_stopped(look_whether_back);
    cr_expect_eq(write(fds[1], "x", 1), 1);
    while (load_acq(&back) == 0)
        gort_gosched();
    cr_expect_eq(load_acq(&seen), 1u);
}

Test(stw, one_that_sleeps_unannounced_and_unsignalled_gives_its_p)
{
    cr_expect_eq(in_gort(stop_sleeping), 0);
}
