/* All goroutines as they are at one instant, whatever they do before the last of them is noted. */
#include "prof/shot.h"

#include "prog/jit.h"
#include "sched/sched.h"
#include "support.h"

#include <gort.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { N = 300 };

static gort_chan *first, *second;
static au32 nfirst, nsecond;

#define NOT_INLINED __attribute__((noinline, noclone))

static bool calls_from(const struct prof_stack *s, const void *fn)
{
    for (size_t i = 0; i < s->n; i++)
        if (gort_func_entry(gort_func_for_pc(s->pcs[i] - 1)) == (uintptr_t)fn)
            return true;
    return false;
}

static size_t count(const struct prof_shot *s, const void *fn)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += calls_from(&s->stacks[i], fn);
    return n;
}

static size_t count_label(const struct prof_shot *s, const char *value)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const char *is = gort_pprof_label(s->stacks[i].labels, "at");
        n += is != NULL && strcmp(is, value) == 0;
    }
    return n;
}

static NOT_INLINED void wait_second(void)
{
    int v;
    add_seq(&nsecond, 1u);
    (void)gort_chan_recv(second, &v);
    __asm__ volatile("");
}

static NOT_INLINED void wait_first(void)
{
    int v;
    add_seq(&nfirst, 1u);
    (void)gort_chan_recv(first, &v);
    __asm__ volatile("");
}

static void set(const char *at)
{
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "at", at, NULL));
}

static void moves(int i)
{
    set("first");
    wait_first();
    set("second");
    if (i % 2 == 0)
        wait_second();
}

static void comes_later(void)
{
    set("second");
    wait_second();
}

static void until(au32 *at, uint32_t n)
{
    while (load_seq(at) < n)
        gort_gosched();
}

static void start(void)
{
    first = gort_make_chan(int, 0);
    second = gort_make_chan(int, 0);
    store_seq(&nfirst, 0u);
    store_seq(&nsecond, 0u);
    for (int i = 0; i < N; i++)
        gort_go(moves, i);
    until(&nfirst, N);
    while (gort_num_goroutine() > N + 1) /* of an earlier round */
        gort_gosched();
}

/* Every other one ends, and leaves its slot to a new one. */
static void move_all(void)
{
    gort_chan_close(first);
    until(&nsecond, N / 2);
    while (gort_num_goroutine() > N / 2 + 1)
        gort_gosched();
    for (int i = 0; i < N; i++)
        gort_go(comes_later);
    until(&nsecond, N / 2 + N);
}

static void check_first(const struct prof_shot *s)
{
    cr_expect_eq(s->n, N + 1, "%zu", s->n);
    cr_expect_eq(count(s, (const void *)wait_first), N);
    cr_expect_eq(count(s, (const void *)wait_second), 0);
    cr_expect_eq(count_label(s, "first"), N);
    cr_expect_eq(count_label(s, "second"), 0);
}

static void moved(void)
{
    for (int round = 0; round < 3; round++) {
        struct prof_shot s;
        start();
        cr_expect_eq(prof_shot_begin(&s), 0);
        move_all();
        gort_gc();
        cr_expect(prof_shot_end(&s));
        check_first(&s);
        prof_shot_drop(&s);
        cr_expect_eq(prof_shot_take(&s), 0);
        cr_expect_eq(s.n, N / 2 + N + 1);
        cr_expect_eq(count(&s, (const void *)wait_first), 0);
        cr_expect_eq(count(&s, (const void *)wait_second), N / 2 + N);
        cr_expect_eq(count_label(&s, "second"), N / 2 + N);
        prof_shot_drop(&s);
        gort_chan_close(second);
        while (gort_num_goroutine() > 1)
            gort_gosched();
    }
}
Test(shot, is_of_its_instant_though_all_move_before_the_walk)
{
    cr_expect_eq(in_gort(moved), 0);
}

static void stayed(void)
{
    struct prof_shot s;
    start();
    cr_expect_eq(prof_shot_take(&s), 0);
    check_first(&s);
    prof_shot_drop(&s);
}
Test(shot, has_those_that_stay)
{
    cr_expect_eq(in_gort(stayed), 0);
}

/* ---- who is being looked at does not run */
static struct g *looked_at;
static au32 here, ran, released;
static au32 *its_word;
static uint32_t done;

static void is_looked_at(void)
{
    int v;
    looked_at = g_self();
    store_seq(&here, 1u);
    (void)gort_chan_recv(first, &v);
    cr_expect_eq(load_seq(&released), 1);
    store_seq(&ran, 1u);
}

static void *looks(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        cr_expect_eq(load_seq(&ran), 0);
        sched_yield();
    }
    store_seq(&released, 1u);
    store_rel(its_word, done);
    return arg;
}

static void held(void)
{
    struct prof_shot s;
    pthread_t t;
    first = gort_make_chan(int, 0);
    gort_go(is_looked_at);
    until(&here, 1);
    while (load_seq(&looked_at->status) != G_WAITING)
        gort_gosched();
    cr_expect_eq(prof_shot_begin(&s), 0);
    its_word = stack_word(looked_at);
    done = load_seq(stack_word(g_self())); /* as this goroutine's, which has a thread */
    cr_expect_neq(load_seq(its_word), done);
    store_seq(its_word, done | 1); /* claimed */
    cr_expect_eq(pthread_create(&t, NULL, looks, NULL), 0);
    gort_chan_close(first);
    until(&ran, 1);
    cr_expect(prof_shot_end(&s));
    cr_expect_eq(s.n, 1, "who claimed it has not noted it");
    prof_shot_drop(&s);
    pthread_join(t, NULL);
}
Test(shot, of_one_that_another_looks_at_is_waited_for)
{
    cr_expect_eq(in_gort(held), 0);
}

/* ---- the program's traceback function is not asked of a stack that nobody runs on */
static au32 asked;

static void asks(struct gort_cgo_traceback_arg *arg)
{
    add_seq(&asked, 1u);
    arg->buf[0] = 0;
}

static NOT_INLINED void wait_in_jit(void *arg)
{
    int v;
    store_seq(&here, 1u);
    (void)gort_chan_recv(arg, &v);
    __asm__ volatile("");
}

static void is_behind_jit(void)
{
    looked_at = g_self();
    jit_make(jit_without_frame, sizeof jit_without_frame)(wait_in_jit, first);
    store_seq(&ran, 1u);
}

static void of_unknown_code(void)
{
    struct prof_shot s;
    first = gort_make_chan(int, 0);
    gort_set_cgo_traceback(0, (void *)asks, NULL, NULL);
    gort_go(is_behind_jit);
    until(&here, 1);
    while (load_seq(&looked_at->status) != G_WAITING)
        gort_gosched();
    cr_expect_eq(prof_shot_begin(&s), 0);
    uint32_t before = load_seq(&asked);
    gort_chan_close(first);
    until(&ran, 1);
    cr_expect(prof_shot_end(&s));
    cr_expect_eq(load_seq(&asked), before);
    cr_expect_eq(count(&s, (const void *)wait_in_jit), 1);
    prof_shot_drop(&s);
}
Test(shot, asks_nobody_of_who_does_not_run)
{
    cr_expect_eq(in_gort(of_unknown_code), 0);
}

/* ---- a second one waits for the first */
static au32 second_done;

static void takes_another(void)
{
    struct prof_shot s;
    cr_expect_eq(prof_shot_take(&s), 0);
    cr_expect_eq(s.n, 2);
    prof_shot_drop(&s);
    store_seq(&second_done, 1u);
}

static void one_at_a_time(void)
{
    struct prof_shot s;
    cr_expect_eq(prof_shot_begin(&s), 0);
    gort_go(takes_another);
    for (int i = 0; i < 100; i++)
        gort_gosched();
    cr_expect_eq(load_seq(&second_done), 0);
    cr_expect(prof_shot_end(&s));
    cr_expect_eq(s.n, 1);
    until(&second_done, 1);
    prof_shot_drop(&s);
}
Test(shot, waits_for_the_one_before)
{
    cr_expect_eq(in_gort(one_at_a_time), 0);
}
