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
    pool_rotate();
    void *x = gort_pool_get(&p); /* second choice */
    cr_expect(x == &a || x == &b);
    gort_pool_put(&p, x);
    pool_rotate(); /* the one that was not taken is forgotten */
    cr_expect(gort_pool_get(&p) == x);
    cr_expect(load_seq(&made) == 0);
    cr_expect(gort_pool_get(&p) != NULL && load_seq(&made) == 1);
    gort_pool_put(&p, &a);
    pool_rotate();
    pool_rotate(); /* out of the list */
    pool_rotate();
    cr_expect(gort_pool_get(&p) != &a && load_seq(&made) == 2);
    gort_pool_put(&p, &b); /* and in again */
    pool_rotate();
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
