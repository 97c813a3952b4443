/* Labels: sets that never change, and which goroutine has which. */
#include "prof/prof_int.h"

#include "support.h"

#include <gort/go.h>
#include <gort/mem.h>
#include <gort/panic.h>
#include <gort/sync.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool append(const char *key, const char *value, void *text)
{
    strcat(text, key);
    strcat(text, "=");
    strcat(text, value);
    strcat(text, ";");
    return strcmp(key, "stop") != 0;
}

static const char *shown(const gort_pprof_labels *l)
{
    static char text[4096];
    text[0] = '\0';
    gort_pprof_for_labels(l, append, text);
    return text;
}

static void sets(void)
{
    const gort_pprof_labels *a = gort_pprof_with_labels(NULL, "b", "1", "a", "2", "", "3", NULL);
    cr_expect_str_eq(shown(a), "=3;a=2;b=1;");
    const gort_pprof_labels *b = gort_pprof_with_labels(a, "c", "4", "a", "", "c", "5", NULL);
    cr_expect_str_eq(shown(b), "=3;a=;b=1;c=5;");
    cr_expect_str_eq(shown(a), "=3;a=2;b=1;", "a set does not change");
    cr_expect_str_eq(gort_pprof_label(b, "c"), "5");
    cr_expect_str_eq(gort_pprof_label(b, "a"), "");
    cr_expect_null(gort_pprof_label(b, "d"));
    cr_expect_null(gort_pprof_label(NULL, "a"));
    cr_expect_str_eq(shown(NULL), "");
    cr_expect_str_eq(shown(gort_pprof_with_labels(NULL, NULL)), "");
    cr_expect_str_eq(shown(gort_pprof_with_labels(a, NULL)), "=3;a=2;b=1;");
    cr_expect_str_eq(shown(gort_pprof_with_labels(NULL, "z", "9", "stop", "", "a", "1", NULL)),
                     "a=1;stop=;", "a function that returns false is called no more");
}
Test(labels, are_sorted_and_replaced)
{
    cr_expect_eq(in_gort(sets), 0);
}

static void copies(void)
{
    static char room[512];
    const gort_pprof_labels *a = gort_pprof_with_labels(NULL, "k", "v", "longer", "value", NULL);
    const gort_pprof_labels *same = gort_pprof_with_labels(NULL, "longer", "value", "k", "v", NULL);
    const gort_pprof_labels *other =
        gort_pprof_with_labels(NULL, "longer", "valuf", "k", "v", NULL);
    cr_expect(prof_labels_bytes(a) <= sizeof room);
    memcpy(room, a, prof_labels_bytes(a));
    cr_expect_str_eq(shown((const gort_pprof_labels *)(void *)room), "k=v;longer=value;");
    cr_expect(prof_labels_same(a, same));
    cr_expect(prof_labels_same(a, (const gort_pprof_labels *)(void *)room));
    cr_expect_not(prof_labels_same(a, other));
    cr_expect_not(prof_labels_same(a, NULL));
    cr_expect_not(prof_labels_same(NULL, a));
    cr_expect(prof_labels_same(NULL, gort_pprof_with_labels(NULL, NULL)));
    cr_expect(prof_labels_same(NULL, NULL));
}
Test(labels, are_bytes_that_may_be_copied)
{
    cr_expect_eq(in_gort(copies), 0);
}

static void make_uneven(void *arg)
{
    (void)arg;
    (void)gort_pprof_with_labels(NULL, "a", "1", "b", NULL);
}
static void uneven(void)
{
    gort_any v;
    cr_expect(gort_try(make_uneven, NULL, &v));
    cr_expect_str_eq(*(const char **)v.data, "uneven number of arguments to pprof.Labels");
}
Test(labels, come_in_pairs)
{
    cr_expect_eq(in_gort(uneven), 0);
}

static char seen[4][256];
static gort_waitgroup done;

static void look(void *where)
{
    strcpy(where, shown(gort_pprof_goroutine_labels()));
    gort_waitgroup_done(&done);
}
static void look_and_pass_on(void *where)
{
    gort_pprof_set_goroutine_labels(
        gort_pprof_with_labels(gort_pprof_goroutine_labels(), "child", "1", NULL));
    gort_go(look, (void *)seen[1]);
    look(where);
}
static void inherited(void)
{
    gort_waitgroup_add(&done, 3);
    cr_expect_null(gort_pprof_goroutine_labels());
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "parent", "0", NULL));
    gort_go(look_and_pass_on, (void *)seen[0]);
    gort_pprof_set_goroutine_labels(NULL);
    gort_go(look, (void *)seen[2]);
    gort_waitgroup_wait(&done);
    cr_expect_str_eq(seen[0], "child=1;parent=0;");
    cr_expect_str_eq(seen[1], "child=1;parent=0;");
    cr_expect_str_eq(seen[2], "");
    cr_expect_null(gort_pprof_goroutine_labels());
}
Test(labels, go_to_those_that_a_goroutine_starts)
{
    cr_expect_eq(in_gort(inherited), 0);
}

static void inside(void *arg)
{
    strcat(arg, shown(gort_pprof_goroutine_labels()));
}
static void panics(void *arg)
{
    inside(arg);
    gort_panic(gort_any_string("out"));
}
static void labelled_panic(void *arg)
{
    gort_pprof_do(gort_pprof_with_labels(NULL, "in", "panic", NULL), panics, arg);
}
static void done_with(void)
{
    static char text[256];
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "out", "side", NULL));
    gort_pprof_do(gort_pprof_with_labels(NULL, "in", "side", NULL), inside, text);
    cr_expect_str_eq(text, "in=side;");
    cr_expect_str_eq(shown(gort_pprof_goroutine_labels()), "out=side;");
    cr_expect(gort_try(labelled_panic, text, NULL));
    cr_expect_str_eq(text, "in=side;in=panic;");
    cr_expect_str_eq(shown(gort_pprof_goroutine_labels()), "out=side;", "a panic ends them, too");
}
Test(labels, end_with_what_they_were_for)
{
    cr_expect_eq(in_gort(done_with), 0);
}

/* Only struct g knows them. */
static __attribute__((noinline)) void set_some(int i)
{
    char value[1000];
    memset(value, 'a' + i % 26, sizeof value - 1);
    value[sizeof value - 1] = '\0';
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "key", value, NULL));
}
static gort_waitgroup set;
static void keep_labels(int i)
{
    set_some(i);
    gort_waitgroup_done(&set);
    gort_waitgroup_wait(&done);
    const char *value = gort_pprof_label(gort_pprof_goroutine_labels(), "key");
    cr_expect(strlen(value) == 999 && value[0] == 'a' + i % 26 && value[998] == value[0]);
    gort_waitgroup_done(&set);
}
static void collected(void)
{
    enum { N = 50 };
    gort_waitgroup_add(&done, 1);
    gort_waitgroup_add(&set, N);
    for (int i = 0; i < N; i++)
        gort_go(keep_labels, i);
    gort_waitgroup_wait(&set);
    for (int i = 0; i < 3; i++) {
        gort_gc();
        for (int k = 0; k < 2000; k++)
            memset(gort_alloc_noscan(1000), 'x', 1000);
    }
    gort_waitgroup_add(&set, N);
    gort_waitgroup_done(&done);
    gort_waitgroup_wait(&set);
}
Test(labels, live_as_long_as_a_goroutine_has_them)
{
    cr_expect_eq(in_gort(collected), 0);
}
