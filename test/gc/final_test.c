/* Finalizers: when they run, in which order, and what lives on because of them. */
#include "final_support.h"

#include "gc/gc_int.h"

#include <string.h>

enum { MANY = 100 };

struct item {
    struct item *to;
    long n;
    long check;
};

static au32 ran;
static long order[1000];

static void note(void *obj)
{
    struct item *x = obj;
    order[add_seq(&ran, 1u)] = x->n;
}

static struct item *item_new(long n, struct item *to)
{
    struct item *x = gort_alloc(sizeof *x);
    x->to = to;
    x->n = n;
    x->check = ~n;
    return x;
}

static void make_many(void)
{
    for (int i = 0; i < MANY; i++)
        gort_set_finalizer(item_new(i, NULL), note);
}

static void unreachable(void)
{
    elsewhere(make_many);
    collect();
    cr_expect(load_seq(&ran) >= MANY - 5 && load_seq(&ran) <= MANY, "%u", load_seq(&ran));
    uint32_t before = load_seq(&ran);
    collect();
    cr_expect(load_seq(&ran) - before <= 5);
}
Test(final, runs_once_when_nothing_reaches_the_object)
{
    cr_expect_eq(in_gort(unreachable), 0);
}

static struct item *kept[MANY];
static void keep_many(void)
{
    for (int i = 0; i < MANY; i++)
        gort_set_finalizer(kept[i] = item_new(i, NULL), note);
}
static void reachable(void)
{
    elsewhere(keep_many);
    collect();
    cr_expect_eq(load_seq(&ran), 0u);
    for (int i = 0; i < MANY; i++)
        cr_expect(kept[i]->n == i && kept[i]->check == ~i);
    for (int i = 0; i < MANY; i++)
        gort_set_finalizer(kept[i], NULL); /* and now they may die in silence */
    gort_set_finalizer(kept[0], NULL);
    memset(kept, 0, sizeof kept);
    collect();
    cr_expect_eq(load_seq(&ran), 0u);
}
Test(final, does_not_run_while_the_object_is_reachable_nor_when_taken_away)
{
    cr_expect_eq(in_gort(reachable), 0);
}

/* Chains: each points to the next. In each collection the head of each runs. */
enum { CHAIN = 5, CHAINS = 10 };
static uint32_t depth[CHAINS];
static au32 out_of_order;
static void note_chain(void *obj)
{
    struct item *x = obj;
    if (depth[x->n / CHAIN]++ != x->n % CHAIN)
        add_seq(&out_of_order, 1u);
    add_seq(&ran, 1u);
}
static void make_chains(void)
{
    for (long c = 0; c < CHAINS; c++) {
        struct item *x = NULL;
        for (long i = CHAIN; i-- > 0;)
            gort_set_finalizer(x = item_new(c * CHAIN + i, x), note_chain);
    }
}
static void chain(void)
{
    elsewhere(make_chains);
    for (uint32_t i = 0; i < CHAIN; i++) {
        collect_once();
#ifndef GORT_HOSTILE /* there collections come at any time */
        cr_expect(load_seq(&ran) <= (i + 1) * CHAINS, "%u after %u", load_seq(&ran), i + 1);
#endif
    }
    while (load_seq(&ran) < CHAIN * CHAINS / 2)
        collect_once();
    cr_expect_eq(load_seq(&out_of_order), 0u);
}
Test(final, of_the_pointing_object_runs_first)
{
    cr_expect_eq(in_gort(chain), 0);
}

/* What a finalizer's object points to is whole when it runs, however much is allocated. */
static au32 whole;
static void look(void *obj)
{
    struct item *x = obj, *y = x->to;
    if (y->n == x->n + 1 && y->check == ~y->n && y->to->n == x->n + 2 && y->to->check == ~y->to->n)
        add_seq(&whole, 1u);
    add_seq(&ran, 1u);
}
static void make_owners(void)
{
    for (long i = 0; i < 3 * MANY; i += 3)
        gort_set_finalizer(item_new(i, item_new(i + 1, item_new(i + 2, NULL))), look);
}
static void make_garbage(void)
{
    for (int i = 0; i < 20000; i++)
        memset(gort_alloc(sizeof(struct item)), 0xee, sizeof(struct item));
}
static void contents(void)
{
    elsewhere(make_owners);
    for (int i = 0; i < 3; i++) {
        gort_gc();
        elsewhere(make_garbage);
    }
    collect();
    cr_expect(load_seq(&ran) >= MANY - 5);
    cr_expect_eq(load_seq(&whole), load_seq(&ran));
}
Test(final, finds_all_that_its_object_points_to)
{
    cr_expect_eq(in_gort(contents), 0);
}

static void make_self(void)
{
    for (int i = 0; i < MANY; i++) {
        struct item *x = item_new(i, NULL);
        x->to = x;
        gort_set_finalizer(x, note);
    }
}
static void self_pointer(void)
{
    elsewhere(make_self);
    collect();
    cr_expect(load_seq(&ran) >= MANY - 5);
}
Test(final, runs_where_the_object_points_to_itself)
{
    cr_expect_eq(in_gort(self_pointer), 0);
}

static void make_cycles(void)
{
    for (int i = 0; i < MANY; i++) {
        struct item *x = item_new(i, NULL);
        x->to = item_new(i, x);
        gort_set_finalizer(x, note);
    }
}
static void cycles(void)
{
    elsewhere(make_cycles);
    collect();
    collect();
    cr_expect_eq(load_seq(&ran), 0u);
}
Test(final, never_runs_in_a_cycle)
{
    cr_expect_eq(in_gort(cycles), 0);
}

/* Back from the dead, with a finalizer anew, until enough is enough. */
static struct item *saved;
static void save(void *obj)
{
    saved = obj;
    if (add_seq(&ran, 1u) < 4)
        gort_set_finalizer(obj, save);
}
static void make_phoenix(void)
{
    gort_set_finalizer(item_new(42, item_new(43, NULL)), save);
}
static void phoenix(void)
{
    elsewhere(make_phoenix);
    for (uint32_t i = 1; i <= 5; i++) {
        while (load_seq(&ran) < i)
            collect_once();
        cr_expect(saved != NULL && saved->n == 42 && saved->to->n == 43);
        saved = NULL;
    }
    collect();
    cr_expect_eq(load_seq(&ran), 5u);
}
Test(final, may_save_its_object_and_set_a_new_one)
{
    cr_expect_eq(in_gort(phoenix), 0);
}

static void note_number(void *obj)
{
    add_seq(&ran, 1u);
    order[*(int *)obj]++;
}
static void make_tiny(void)
{
    for (int i = 0; i < MANY; i++) {
        int *p = gort_alloc_noscan(sizeof *p);
        *p = i;
        gort_set_finalizer(p, note_number);
    }
}
static void tiny(void)
{
    elsewhere(make_tiny);
    collect();
    cr_expect(load_seq(&ran) >= MANY - 16 && load_seq(&ran) <= MANY, "%u", load_seq(&ran));
    for (int i = 0; i < MANY; i++)
        cr_expect(order[i] <= 1);
}
Test(final, of_tiny_objects_run_each_with_its_own)
{
    cr_expect_eq(in_gort(tiny), 0);
}

/* One finalizer that waits holds up the others, and nothing else. */
static gort_sema gate;
static au32 begun;
static void wait_at_gate(void *obj)
{
    (void)obj;
    add_seq(&begun, 1u);
    gort_sema_acquire(&gate);
    add_seq(&ran, 1u);
}
static void make_waiters(void)
{
    for (int i = 0; i < 10; i++)
        gort_set_finalizer(item_new(i, NULL), wait_at_gate);
}
static void one_at_a_time(void)
{
    elsewhere(make_waiters);
    while (load_seq(&begun) == 0)
        collect_once();
    int goroutines = gort_num_goroutine();
    for (int i = 0; i < 5; i++)
        collect_once();
    cr_expect_eq(load_seq(&begun), 1u);
    cr_expect_eq(goroutines, 1);
    for (int i = 0; i < 10; i++)
        gort_sema_release(&gate);
    collect();
    cr_expect(load_seq(&ran) >= 8);
}
Test(final, runs_alone)
{
    cr_expect_eq(in_gort(one_at_a_time), 0);
}

/* A finalizer may collect and allocate, and what is queued meanwhile runs too. */
static void busy(void *obj)
{
    struct item *x = obj;
    gort_gc();
    if (x->n > 0)
        gort_set_finalizer(item_new(x->n - 1, NULL), busy);
    add_seq(&ran, 1u);
}
static void make_busy(void)
{
    for (int i = 0; i < 5; i++)
        gort_set_finalizer(item_new(3, NULL), busy);
}
static void collects(void)
{
    elsewhere(make_busy);
    while (load_seq(&ran) < 10) /* five would run anyway */
        collect_once();
}
Test(final, may_collect_and_set_finalizers)
{
    cr_expect_eq(in_gort(collects), 0);
}

static void large_and_noscan(void)
{
    for (int i = 0; i < 20; i++) {
        struct item *x = gort_alloc(100000 + (size_t)i * 8192);
        x->n = i;
        gort_set_finalizer(x, note);
        x = gort_alloc_noscan(50000);
        x->n = i;
        gort_set_finalizer(x, note);
        x = gort_alloc_noscan(16);
        x->n = i;
        gort_set_finalizer(x, note);
        x = gort_alloc(8);
    }
}
static void all_sizes(void)
{
    elsewhere(large_and_noscan);
    collect();
    cr_expect(load_seq(&ran) >= 54 && load_seq(&ran) <= 60, "%u", load_seq(&ran));
}
Test(final, of_objects_of_all_kinds)
{
    cr_expect_eq(in_gort(all_sizes), 0);
}

/* Set while collections run one after the other: the object's contents are marked all the same. */
static au32 finished;
static void collector(void)
{
    while (load_seq(&finished) == 0)
        gort_gc();
}
static void make_under_way(void)
{
    for (int i = 0; i < 200; i++) {
        make_owners();
        gort_gosched();
    }
    store_seq(&finished, 1u);
}
static void under_way(void)
{
    gort_go(collector);
    elsewhere(make_under_way);
    collect();
    cr_expect(load_seq(&ran) >= 190 * MANY, "%u", load_seq(&ran));
    cr_expect_eq(load_seq(&whole), load_seq(&ran));
}
Test(final, set_while_marking_runs)
{
    cr_expect_eq(in_gort(under_way), 0);
}

/* ---- the queue itself */
static void count_queued(void *obj, void *a, void *b, void *arg)
{
    (void)a, (void)b;
    cr_expect_eq(obj, (char *)NULL + ++*(long *)arg);
}
static void queue(void)
{
    long n = 0;
    struct m *m = m_enter();
    for (long i = 0; i < 300; i++) /* several blocks; nobody is woken */
        final_queue(SPECIAL_FINALIZER, (char *)NULL + (300 - i), NULL, NULL);
    final_each_queued(count_queued, &n);
    m_leave(m);
    cr_expect_eq(n, 300);
}
Test(final, queue_hands_out_the_newest_first)
{
    cr_expect_eq(in_gort(queue), 0);
}
