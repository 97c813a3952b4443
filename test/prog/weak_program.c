/* A table of names, each there once, that keeps none of them. */
// expect: the same
// expect: forgotten
#include <gort.h>

#include <stdio.h>
#include <string.h>

enum { NAMES = 100 };
static gort_weak *table[NAMES];
static int known;

/* The one copy of `s`. */
static const char *intern(const char *s)
{
    for (int i = 0; i < NAMES; i++) {
        const char *have = gort_weak_value(table[i]);
        if (have != NULL && strcmp(have, s) == 0)
            return have;
    }
    for (int i = 0; i < NAMES; i++)
        if (gort_weak_value(table[i]) == NULL) {
            char *copy = gort_strdup(s);
            table[i] = gort_weak_make(copy);
            return copy;
        }
    return NULL;
}

static void use(void)
{
    const char *a = intern("a name that is long enough not to share a block");
    gort_gc();
    puts(a == intern("a name that is long enough not to share a block") ? "the same" : "two");
    for (int i = 1; i < NAMES; i++)
        intern(gort_sprintf("another name, which is number %d", i));
    gort_keep_alive(a);
}

static void count(void)
{
    known = 0;
    for (int i = 0; i < NAMES; i++)
        known += gort_weak_value(table[i]) != NULL;
}

static gort_waitgroup alone;
static void run_one(void (*fn)(void))
{
    fn();
    gort_waitgroup_done(&alone);
}

/* On return its stack is gone too. */
static void run_alone(void (*fn)(void))
{
    gort_waitgroup_add(&alone, 1);
    gort_go(run_one, fn);
    gort_waitgroup_wait(&alone);
    while (gort_num_goroutine() > 1)
        gort_gosched();
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    run_alone(use);
    do {
        gort_gc();
        run_alone(count);
    } while (known > 3);
    puts("forgotten");
    return 0;
}

GORT_MAIN(run)
