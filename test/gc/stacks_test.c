/* stacks_test.c: what goroutines and threads hold is found, wherever they keep it. */
#include "gc/gc_int.h"
#include "support.h"

#include <gort/go.h>
#include <gort/mem.h>
#include <gort/time.h>

#include "base/track.h"
#include "conf/conf.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Objects are remembered with their bits turned, where the collector does not know them. */
enum { MANY = 200, BYTES = 64, DEEP = 200 * 1024 };
static uintptr_t hidden[MANY];
static au32 there, leave;
static int fds[2];

static bool is_alive(uintptr_t turned)
{
    struct object o;
    return arena_find_object(~turned, &o) && span_slot_taken(o.span, o.slot);
}

static NOINLINE void *make(int i)
{
    void *p = gort_alloc(BYTES);
    hidden[i] = ~(uintptr_t)p;
    return p;
}

static NOINLINE void clean_stack(void)
{
    char words[4096];
    memset(words, 0, sizeof words);
    __asm__ volatile("" : : "r"(words) : "memory");
}

/* Two cycles in each of two ways: objects made during one are kept by it. */
static void collect(void)
{
    enum gc_way way = gc.way;
    for (int i = 0; i < 2; i++) {
        clean_stack();
        gort_gc();
    }
    gc.way = WAY_STOPPED;
    for (int i = 0; i < 2; i++) {
        clean_stack();
        gort_gc();
    }
    gc.way = way;
}

static void until(au32 *what, uint32_t n)
{
    while (load_acq(what) < n)
        gort_gosched();
}

/* ---- nobody holds them */
static void drop(void)
{
    for (int i = 0; i < MANY; i++)
        make(i);
    add_acq_rel(&there, 1u);
}

static void dropped(void)
{
    unsigned alive = 0;
    gort_go(drop);
    until(&there, 1);
    collect();
    for (int i = 0; i < MANY; i++)
        alive += is_alive(hidden[i]);
    cr_expect_lt(alive, (unsigned)MANY / 4);
}

Test(stacks, what_nobody_holds_dies)
{
    cr_expect_eq(in_gort(dropped), 0);
}

/* ---- parked goroutines, at any depth */
static NOINLINE void park_at(int i, int depth, void *p)
{
    volatile char frame[2000];
    frame[0] = (char)depth;
    if (depth > 0)
        park_at(i, depth - 1, NULL);
    else
        p = make(i);
    if (depth == 0) {
        add_acq_rel(&there, 1u);
        while (load_acq(&leave) == 0)
            gort_sleep(1000000);
    }
    __asm__ volatile("" : : "r"(p), "r"(frame) : "memory");
}

static void parked(int i)
{
    park_at(i, i % 50, NULL);
    add_acq_rel(&there, 1u);
}

static void hold_parked(void)
{
    for (int i = 0; i < MANY; i++)
        gort_go(parked, i);
    until(&there, MANY);
    collect();
    for (int i = 0; i < MANY; i++)
        cr_expect(is_alive(hidden[i]), "of goroutine %d", i);
    store_rel(&leave, 1u);
    until(&there, 2 * MANY);
}

Test(stacks, parked_goroutines_hold_what_they_hold)
{
    cr_expect_eq(in_gort(hold_parked), 0);
}

/* ---- a register of code that computes */
static NOINLINE void compute_with(int i)
{
    uintptr_t p = (uintptr_t)make(i);
    add_acq_rel(&there, 1u);
    while (load_rlx(&leave) == 0)
        __asm__ volatile("" : "+r"(p));
    cr_expect_eq(p, ~hidden[i]);
}

static void computing(void)
{
    compute_with(0);
    add_acq_rel(&there, 1u);
}

static void hold_in_register(void)
{
    gort_go(computing);
    until(&there, 1);
    collect();
    cr_expect(is_alive(hidden[0]));
    store_rel(&leave, 1u);
    until(&there, 2);
}

Test(stacks, registers_of_a_goroutine_that_computes)
{
    if (!track_no_signals())
        cr_expect_eq(in_gort(hold_in_register), 0);
}

static void *attached_computing(void *arg)
{
    gort_attach_thread();
    compute_with(1);
    gort_detach_thread();
    return arg;
}

static void hold_on_attached(void)
{
    pthread_t t;
    cr_expect_eq(pthread_create(&t, NULL, attached_computing, NULL), 0);
    until(&there, 1);
    collect();
    cr_expect(is_alive(hidden[1]));
    store_rel(&leave, 1u);
    gort_enter_syscall();
    pthread_join(t, NULL);
    gort_exit_syscall();
}

Test(stacks, registers_of_an_attached_thread)
{
    if (!track_no_signals())
        cr_expect_eq(in_gort(hold_on_attached), 0);
}

/* ---- in calls */
static NOINLINE void call_with(int i, bool announce)
{
    char c;
    uintptr_t p = (uintptr_t)make(i);
    __asm__ volatile("" : "+r"(p));
    if (announce)
        gort_enter_syscall();
    add_acq_rel(&there, 1u);
    cr_expect_eq(read(fds[0], &c, 1), 1);
    if (announce)
        gort_exit_syscall();
    __asm__ volatile("" : "+r"(p));
    cr_expect_eq(p, ~hidden[i]);
}

static void calling(int i)
{
    call_with(i, i % 2 == 0);
    add_acq_rel(&there, 1u);
}

static void hold_in_calls(void)
{
    enum { N = 8 };
    cr_expect_eq(pipe(fds), 0);
    for (int i = 0; i < N; i++)
        gort_go(calling, i);
    until(&there, N);
    collect();
    for (int i = 0; i < N; i++)
        cr_expect(is_alive(hidden[i]), "of call %d", i);
    cr_expect_eq(write(fds[1], "12345678", N), N);
    until(&there, 2 * N);
}

Test(stacks, callers_of_announced_and_other_calls)
{
    if (!track_no_signals())
        cr_expect_eq(in_gort(hold_in_calls), 0);
}

/* In memory: of a register nobody knows, since no signal disturbs a foreign call. */
static void on_thread_stack(void *arg)
{
    char c;
    void *volatile p = make(*(int *)arg);
    add_acq_rel(&there, 1u);
    cr_expect_eq(read(fds[0], &c, 1), 1);
    cr_expect_eq((uintptr_t)p, ~hidden[*(int *)arg]);
}

static void foreign_call(int i)
{
    gort_cgocall(on_thread_stack, &i);
    add_acq_rel(&there, 1u);
}

static void compute_on_thread_stack(void *arg)
{
    void *volatile p = make(*(int *)arg);
    add_acq_rel(&there, 1u);
    while (load_rlx(&leave) == 0)
        ;
    cr_expect_eq((uintptr_t)p, ~hidden[*(int *)arg]);
}

static void foreign_computing(int i)
{
    gort_cgocall(compute_on_thread_stack, &i);
    add_acq_rel(&there, 1u);
}

static void hold_in_foreign_calls(void)
{
    cr_expect_eq(pipe(fds), 0);
    gort_go(foreign_call, 0);
    gort_go(foreign_computing, 1);
    until(&there, 2);
    collect();
    cr_expect(is_alive(hidden[0]) && is_alive(hidden[1]));
    cr_expect_eq(write(fds[1], "1", 1), 1);
    store_rel(&leave, 1u);
    until(&there, 4);
}

Test(stacks, stacks_of_threads_in_foreign_calls)
{
    cr_expect_eq(in_gort(hold_in_foreign_calls), 0);
}

/* ---- thread-locals */
static __thread void *volatile mine;

static void *with_thread_local(void *arg)
{
    gort_attach_thread();
    mine = make(0);
    clean_stack();
    add_acq_rel(&there, 1u);
    while (load_rlx(&leave) == 0)
        usleep(1000);
    gort_detach_thread();
    return arg;
}

static void hold_in_thread_local(void)
{
    pthread_t t;
    cr_expect_eq(pthread_create(&t, NULL, with_thread_local, NULL), 0);
    until(&there, 1);
    collect();
    cr_expect(is_alive(hidden[0]));
    store_rel(&leave, 1u);
    gort_enter_syscall();
    pthread_join(t, NULL);
    gort_exit_syscall();
}

Test(stacks, thread_locals)
{
    cr_expect_eq(in_gort(hold_in_thread_local), 0);
}

/* ---- written while marking runs: the only pointer moves from stack to stack */
static void *volatile *slots[2];

static NOINLINE void lend(int i)
{
    void *volatile slot = NULL;
    slots[i] = &slot;
    add_acq_rel(&there, 1u);
    while (load_acq(&leave) == 0)
        gort_sleep(200000);
    slot = NULL;
    add_acq_rel(&there, 1u);
}

static NOINLINE void move(int round)
{
    int from = round % 2;
    void *p = *slots[from];
    *slots[1 - from] = p;
    *slots[from] = NULL;
}

static au32 moving;

static void mover(void)
{
    for (int round = 0; load_rlx(&leave) == 0; round++) {
        move(round);
        store_rlx(&moving, (uint32_t)round);
        if (round % 16 == 0)
            gort_gosched();
    }
    add_acq_rel(&there, 1u);
}

static void move_about(void)
{
    gort_go(lend, 0);
    gort_go(lend, 1);
    until(&there, 2);
    *slots[0] = make(0);
    clean_stack();
    gort_go(mover);
    for (int i = 0; i < 20; i++) {
        gort_gc();
        cr_expect(is_alive(hidden[0]), "cycle %d", i);
    }
    store_rel(&leave, 1u);
    until(&there, 5);
}

Test(stacks, a_pointer_that_moves_between_stacks)
{
    cr_expect_eq(in_gort(move_about), 0);
}

/* ---- giving back */
static struct stack deep_stack;
static uintptr_t deep_sp;

static NOINLINE void touch_deep(void)
{
    volatile char frame[DEEP];
    for (size_t i = 0; i < DEEP; i += 1024)
        frame[i] = 1;
    __asm__ volatile("" : : "r"(frame) : "memory");
}

static void recurse_and_park(void)
{
    char c;
    touch_deep();
    deep_stack = m_curg(self())->stack;
    deep_sp = (uintptr_t)&c;
    add_acq_rel(&there, 1u);
    m_enter();
    m_curg(self())->param = NULL;
    park(NULL, NULL, WAIT_SEMACQUIRE);
    m_leave(self());
}

static size_t deep_bytes(void)
{
    unsigned char in_memory[DEEP / 4096];
    size_t n = 0, page = os_page_bytes();
    uintptr_t lo = (deep_stack.lo + page - 1) / page * page;
    size_t pages = (deep_sp - lo) / page;
    if (pages > sizeof in_memory)
        pages = sizeof in_memory;
    cr_expect_eq(os_pages_in_memory((void *)lo, pages, in_memory), 0);
    for (size_t i = 0; i < pages; i++)
        n += in_memory[i] & 1;
    return n * page;
}

static void shrink(void)
{
    gort_go(recurse_and_park);
    until(&there, 1);
    while (!g_is_parked((struct g *)deep_stack.hi))
        gort_gosched();
    cr_expect_geq(deep_bytes(), (size_t)DEEP / 2);
    knobs.gcshrinkstackoff = 1;
    gort_gc();
    gort_gc();
    cr_expect_geq(deep_bytes(), (size_t)DEEP / 2, "kept");
    knobs.gcshrinkstackoff = 0;
    gort_gc();
    gort_gc();
    cr_expect_leq(deep_bytes(), (size_t)DEEP / 10, "given back");
    cr_expect_gt(stacks_bytes(), 0u);
}

Test(stacks, pages_below_those_that_wait_go_back)
{
    cr_expect_eq(in_gort(shrink), 0);
}
