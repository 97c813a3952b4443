/* Weak pointers: what they lead to, and until when. */
#include "final_support.h"

#include "mem/mem.h"
#include "sched/sched.h"

#include <string.h>

enum { MANY = 100 };

static void *kept[MANY];
static gort_weak *weak[MANY];

static unsigned alive(void)
{
    unsigned n = 0;
    for (int i = 0; i < MANY; i++)
        n += gort_weak_value(weak[i]) != NULL;
    return n;
}

static void make_objects(void)
{
    for (int i = 0; i < MANY; i++) {
        long *p = gort_alloc(sizeof *p * 4);
        *p = i;
        weak[i] = gort_weak_make(p);
        cr_expect(gort_weak_value(weak[i]) == p);
        if (i % 2)
            kept[i] = p;
    }
}
/* On a goroutine of its own, so that nothing it looks at is left on a stack. */
static unsigned now_alive;
static void count_alive(void)
{
    now_alive = alive();
}
static void look_at_kept(void)
{
    for (int i = 1; i < MANY; i += 2) {
        long *p = gort_weak_value(weak[i]);
        cr_expect(p == kept[i] && *p == i);
    }
}
static void die(void)
{
    elsewhere(make_objects);
    gort_gc();
    gort_gc();
    elsewhere(count_alive);
    cr_expect(now_alive >= MANY / 2 && now_alive <= MANY / 2 + 3, "%u", now_alive);
    elsewhere(look_at_kept);
    memset(kept, 0, sizeof kept);
    gort_gc();
    gort_gc();
    elsewhere(count_alive);
    cr_expect(now_alive <= 3, "%u", now_alive);
}
Test(weak, leads_to_the_object_while_it_lives)
{
    cr_expect_eq(in_gort(die), 0);
}

static void same(void)
{
    char *p = gort_alloc(64), *q = gort_alloc(64);
    gort_weak *a = gort_weak_make(p);
    cr_expect(a == gort_weak_make(p));
    cr_expect(a != gort_weak_make(q));
    cr_expect(a != gort_weak_make(p + 8) && gort_weak_make(p + 8) == gort_weak_make(p + 8));
    cr_expect(gort_weak_value(gort_weak_make(p + 8)) == p + 8);
    cr_expect(gort_weak_value(gort_weak_make(p + 63)) == p + 63);
    gort_gc();
    cr_expect(a == gort_weak_make(p) && gort_weak_value(a) == p);
    gort_keep_alive(p);
    gort_keep_alive(q);
}
Test(weak, is_one_for_each_address)
{
    cr_expect_eq(in_gort(same), 0);
}

static void elsewhere_in_memory(void)
{
    static int global;
    int local;
    cr_expect_null(gort_weak_make(NULL));
    cr_expect_null(gort_weak_value(NULL));
    gort_weak *a = gort_weak_make(&global), *b = gort_weak_make(&local);
    gort_weak *c = gort_weak_make(gort_alloc(0));
    gort_gc();
    gort_gc();
    cr_expect(gort_weak_value(a) == &global && gort_weak_value(b) == &local);
    cr_expect(gort_weak_value(c) == gort_alloc(0));
}
Test(weak, of_other_memory_lasts)
{
    cr_expect_eq(in_gort(elsewhere_in_memory), 0);
}

/* The finalizer makes the object live on; its weak pointer is dead by then, and a new one is another. */
static void *saved;
static au32 ran, cleared;
static gort_weak *before[MANY];
static void save(void *obj)
{
    long i = *(long *)obj;
    if (gort_weak_value(before[i]) == NULL)
        add_seq(&cleared, 1u);
    if (add_seq(&ran, 1u) == 0) {
        gort_weak *again = gort_weak_make(obj);
        saved = obj;
        cr_expect(again != before[i] && gort_weak_value(again) == obj);
    }
}
static void make_finalized(void)
{
    for (long i = 0; i < MANY; i++) {
        long *p = gort_alloc(sizeof *p * 4);
        *p = i;
        before[i] = gort_weak_make(p);
        gort_set_finalizer(p, save);
    }
}
static void resurrected(void)
{
    elsewhere(make_finalized);
    collect();
    cr_expect(load_seq(&ran) >= MANY - 3);
    cr_expect_eq(load_seq(&cleared), load_seq(&ran));
    cr_expect_null(gort_weak_value(before[*(long *)saved]));
}
Test(weak, is_dead_before_the_finalizer_runs)
{
    cr_expect_eq(in_gort(resurrected), 0);
}

/* What only a finalizer's object points to is reachable: its weak pointer lives on. */
static gort_weak *inner[MANY];
static au32 inner_alive;
static void look_inside(void *obj)
{
    void **p = obj;
    if (gort_weak_value(inner[(uintptr_t)p[1]]) == p[0])
        add_seq(&inner_alive, 1u);
    add_seq(&ran, 1u);
}
static void make_outer(void)
{
    for (uintptr_t i = 0; i < MANY; i++) {
        void **p = gort_alloc(32);
        p[0] = gort_alloc(48);
        p[1] = (void *)i;
        inner[i] = gort_weak_make(p[0]);
        gort_set_finalizer(p, look_inside);
    }
}
static void through_finalizer(void)
{
    elsewhere(make_outer);
    collect();
    cr_expect(load_seq(&ran) >= MANY - 3);
    cr_expect_eq(load_seq(&inner_alive), load_seq(&ran));
}
Test(weak, to_what_a_finalizer_needs_is_alive)
{
    cr_expect_eq(in_gort(through_finalizer), 0);
}

/* Handles that die with, before and after their objects. */
static void make_and_drop(void)
{
    for (int i = 0; i < 1000; i++) {
        void *p = gort_alloc(24);
        gort_weak *w = gort_weak_make(p);
        if (i % 100 == 0) {
            kept[i / 100] = p;
            weak[i / 100] = w;
        }
    }
}
static void churn(void)
{
    for (int round = 0; round < 10; round++) {
        elsewhere(make_and_drop);
        gort_gc();
        for (int i = 0; i < 10; i++)
            cr_expect(gort_weak_value(weak[i]) == kept[i]);
    }
}
Test(weak, handles_come_and_go)
{
    cr_expect_eq(in_gort(churn), 0);
}

/* A cache: looked up through weak pointers only, by many, while collections run. What is given out
 * stays whole. */
enum { CACHE = 64, USERS = 4 };
struct entry {
    struct entry *part;
    uint64_t n, check;
};
static gort_mutex lock_of[CACHE];
static gort_weak *cache[CACHE];
static au32 hits, misses, users_left;

static struct entry *entry_new(uint64_t n)
{
    struct entry *e = gort_alloc(sizeof *e);
    e->part = gort_alloc(sizeof *e);
    e->part->n = n;
    e->part->check = ~n;
    e->n = n;
    e->check = ~n;
    return e;
}
static struct entry *entry_get(uint64_t n)
{
    gort_mutex_lock(&lock_of[n]);
    struct entry *e = gort_weak_value(cache[n]);
    add_seq(e != NULL ? &hits : &misses, 1u);
    if (e == NULL)
        cache[n] = gort_weak_make(e = entry_new(n));
    gort_mutex_unlock(&lock_of[n]);
    return e;
}
static void entry_check(const struct entry *e, uint64_t n)
{
    cr_expect(e->n == n && e->check == ~n);
    cr_expect(e->part->n == n && e->part->check == ~n);
}
static void user(uint64_t seed)
{
    struct entry *mine[8] = {NULL};
    for (int i = 0; i < 4000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t n = (seed >> 33) % CACHE;
        struct entry *e = entry_get(n);
        entry_check(e, n);
        /* What a weak pointer gave out moves on, in pieces. */
        struct entry *copy = gort_alloc(sizeof *copy);
        *copy = *e;
        mine[i % 8] = copy;
        if (mine[(i + 1) % 8] != NULL)
            entry_check(mine[(i + 1) % 8], mine[(i + 1) % 8]->n);
        if (i % 64 == 0)
            gort_gosched();
        if (i % 1000 == 0)
            gort_gc();
    }
    sub_seq(&users_left, 1u);
}
/* So that marking takes a while. */
static struct entry *ballast;
static void weak_cache(void)
{
    for (int i = 0; i < 100000; i++) {
        struct entry *e = gort_alloc(sizeof *e);
        e->part = ballast;
        ballast = e;
    }
    store_seq(&users_left, USERS);
    for (uint64_t i = 0; i < USERS; i++)
        gort_go(user, i);
    while (load_seq(&users_left) != 0)
        gort_gc();
    cr_expect(load_seq(&hits) > 0 && load_seq(&misses) > CACHE);
}
Test(weak, gives_out_whole_objects_while_marking_runs)
{
    cr_expect_eq(in_gort(weak_cache), 0);
}

/* Each begins where an arena begins, next to another: no bound that the runtime knows keeps it. */
enum { LARGE = 4 };
static void make_large(void)
{
    for (int i = 0; i < LARGE; i++)
        weak[i] = gort_weak_make(gort_alloc_noscan(ARENA_BYTES + 1));
}
static void count_large(void)
{
    for (int i = 0; i < LARGE; i++)
        now_alive += gort_weak_value(weak[i]) != NULL;
}
static void large_die(void)
{
    elsewhere(make_large);
    for (int i = 0; i < 3; i++)
        gort_gc();
    elsewhere(count_large);
    cr_expect_eq(now_alive, 0u, "%u", now_alive);
}
Test(weak, large_objects_die)
{
    cr_expect_eq(in_gort(large_die), 0);
}
