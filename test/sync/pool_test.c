/* pool_test.c: what is put there comes out again, once. */
#include "sync_support.h"

static gort_waitgroup wg;
static au32 made;

static void *make_item(void)
{
    add_seq(&made, 1u);
    return gort_alloc(16);
}

static void without_make(void)
{
    static gort_pool p;
    gort_gomaxprocs(1);
    cr_expect(gort_pool_get(&p) == NULL);
    gort_pool_put(&p, NULL);
    cr_expect(p.state_ == NULL);
    int a;
    gort_pool_put(&p, &a);
    cr_expect(gort_pool_get(&p) == &a);
    cr_expect(gort_pool_get(&p) == NULL);
}

Test(pool, is_empty_at_first)
{
    cr_assert(in_gort(without_make) == 0);
}

static void all_come_back(void)
{
    enum { N = 200 }; /* several chunks */
    static gort_pool p;
    static char items[N];
    gort_gomaxprocs(1); /* another P's own item is out of our reach, as in Go */
    for (int round = 0; round < 3; round++) {
        bool seen[N] = {false};
        for (int i = 0; i < N; i++)
            gort_pool_put(&p, &items[i]);
        for (int i = 0; i < N; i++) {
            char *item = gort_pool_get(&p);
            cr_expect(item >= items && item < items + N && !seen[item - items]);
            if (item != NULL)
                seen[item - items] = true;
        }
        cr_expect(gort_pool_get(&p) == NULL);
    }
}

Test(pool, gives_each_item_once)
{
    cr_assert(in_gort(all_come_back) == 0);
}

static void rotates(void)
{
    static gort_pool p = {.make = make_item};
    int a, b;
    gort_gomaxprocs(1);
    gort_pool_put(&p, &a);
    gort_pool_put(&p, &b);
    INSIDE(pool_rotate());
    void *x = gort_pool_get(&p); /* second choice */
    cr_expect(x == &a || x == &b);
    gort_pool_put(&p, x);
    INSIDE(pool_rotate()); /* the one that was not taken is forgotten */
    cr_expect(gort_pool_get(&p) == x);
    cr_expect(load_seq(&made) == 0);
    cr_expect(gort_pool_get(&p) != NULL && load_seq(&made) == 1);
    gort_pool_put(&p, &a);
    INSIDE(pool_rotate());
    INSIDE(pool_rotate()); /* out of the list */
    INSIDE(pool_rotate());
    cr_expect(gort_pool_get(&p) != &a && load_seq(&made) == 2);
    gort_pool_put(&p, &b); /* and in again */
    INSIDE(pool_rotate());
    cr_expect(gort_pool_get(&p) == &b);
}

Test(pool, forgets_in_two_steps)
{
    cr_assert(in_gort(rotates) == 0);
}

struct item {
    au32 in_use;
};
static void *make_owned(void)
{
    return gort_alloc(sizeof(struct item));
}
static gort_pool shared = {.make = make_owned};

static void user(void)
{
    struct item *mine[8];
    for (int i = 0; i < 3000; i++) {
        int n = 1 + i % 8;
        for (int k = 0; k < n; k++) {
            mine[k] = gort_pool_get(&shared);
            cr_expect(swap_seq(&mine[k]->in_use, 1u) == 0);
        }
        if (i % 16 == 0)
            gort_gosched();
        for (int k = 0; k < n; k++) {
            cr_expect(swap_seq(&mine[k]->in_use, 0u) == 1);
            gort_pool_put(&shared, mine[k]);
        }
    }
    gort_waitgroup_done(&wg);
}

static void nobody_shares(void)
{
    gort_waitgroup_add(&wg, 16);
    for (int i = 0; i < 16; i++)
        gort_go(user);
    gort_waitgroup_wait(&wg);
}

Test(pool, an_item_has_one_user)
{
    cr_assert(in_gort(nobody_shares) == 0);
}

/* A pool that was first used with one P is used by more. */
static void grows(void)
{
    gort_gomaxprocs(1);
    gort_pool_put(&shared, make_owned());
    gort_gomaxprocs(4);
    nobody_shares();
}

Test(pool, serves_more_processors_than_at_first)
{
    cr_assert(in_gort(grows) == 0);
}

/* The collector: what is in a pool survives one collection, as second choice, and not two. */
static gort_pool drained;
static gort_weak *pooled[10];

static void fill(void)
{
    for (int i = 0; i < 10; i++) {
        void *item = gort_alloc(64);
        pooled[i] = gort_weak_make(item);
        gort_pool_put(&drained, item);
    }
    gort_waitgroup_done(&wg);
}
static unsigned pooled_alive(void)
{
    unsigned n = 0;
    for (int i = 0; i < 10; i++)
        n += gort_weak_value(pooled[i]) != NULL;
    return n;
}
static void fill_elsewhere(void)
{
    gort_waitgroup_add(&wg, 1);
    gort_go(fill);
    gort_waitgroup_wait(&wg);
}
static void is_drained(void)
{
    gort_gomaxprocs(1);
    fill_elsewhere();
#ifndef GORT_HOSTILE /* there collections come at any time */
    gort_gc();
    cr_expect_eq(pooled_alive(), 10u);
    cr_expect(gort_pool_get(&drained) != NULL);
#endif
    gort_gc();
    gort_gc();
    cr_expect(gort_pool_get(&drained) == NULL);
    gort_gc();
    cr_expect(pooled_alive() <= 2);
}
Test(pool, is_drained_by_two_collections)
{
    cr_assert(in_gort(is_drained) == 0);
}

/* Pools that lie in the heap themselves, and are forgotten with items in them. */
static void forget_pools(void)
{
    for (int i = 0; i < 100; i++) {
        gort_pool *p = gort_alloc(sizeof *p);
        for (int k = 0; k < 40; k++)
            gort_pool_put(p, gort_alloc(100));
    }
    gort_waitgroup_done(&wg);
}
static void forgotten(void)
{
    for (int round = 0; round < 10; round++) {
        gort_waitgroup_add(&wg, 1);
        gort_go(forget_pools);
        gort_waitgroup_wait(&wg);
        gort_gc();
        fill_elsewhere();
        gort_pool_get(&drained);
    }
}
Test(pool, may_die_itself)
{
    cr_assert(in_gort(forgotten) == 0);
}

/* In use by many while collections rotate it. */
static au32 users_left;
static void user_of_rotated(void)
{
    user();
    sub_seq(&users_left, 1u);
}
static void rotated_in_use(void)
{
    gort_waitgroup_add(&wg, 4);
    store_seq(&users_left, 4u);
    for (int i = 0; i < 4; i++)
        gort_go(user_of_rotated);
    while (load_seq(&users_left) != 0)
        gort_gc();
    gort_waitgroup_wait(&wg);
}
Test(pool, is_rotated_while_in_use)
{
    cr_assert(in_gort(rotated_in_use) == 0);
}
