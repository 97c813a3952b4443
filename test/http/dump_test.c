/* dump_test.c: the text of goroutines is read, grouped and judged. */
#include "http/http_int.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char small[] = "goroutine 1 [running]:\n"
                            "m()\n"
                            "\t/src/t.c:5 +0xb3\n"
                            "\n"
                            "goroutine 2 [chan receive, 5 minutes]:\n"
                            "gort_chan_recv()\n"
                            "\t/src/chan.c:318 +0xf6\n"
                            "ns::w(int, char)(0x1, {0x2, ...})\n"
                            "\t/src/a b.cc:3 +0xe\n"
                            "created by m in goroutine 1\n"
                            "\t/src/t.c:6 +0x56\n"
                            "\n"
                            "goroutine 13 [chan receive (scan), 7 minutes, locked to thread]:\n"
                            "gort_chan_recv()\n"
                            "\t/src/chan.c:318 +0xf6\n"
                            "ns::w(int, char)(0x5)\n"
                            "\t/src/a b.cc:3 +0xe\n"
                            "created by m in goroutine 9\n"
                            "\t/src/t.c:6 +0x56\n";

static void parse(struct dump *d, const char *text)
{
    *d = (struct dump){0};
    dump_parse(d, text, strlen(text), NULL, 0);
    cr_assert_not(d->failed);
}

static bool piece_is(struct piece a, const char *s)
{
    return a.n == strlen(s) && memcmp(a.p, s, a.n) == 0;
}

Test(dump, one_goroutine)
{
    struct dump d;
    parse(&d, small);
    cr_assert_eq(d.n, 3);
    const struct dump_goroutine *g = &d.g[2];
    cr_expect_eq(g->id, 13);
    cr_expect_eq(g->minutes, 7);
    cr_expect(g->locked);
    cr_expect(piece_is(g->state, "chan receive"));
    cr_expect_eq(g->nframes, 2);
    cr_expect(piece_is(d.frames[g->frame + 1].function, "ns::w(int, char)"));
    cr_expect(piece_is(d.frames[g->frame + 1].file, "/src/a b.cc:3"));
    cr_expect(piece_is(g->created.function, "m"));
    cr_expect(piece_is(g->created.file, "/src/t.c:6"));
    cr_expect_eq(g->creator, 9);
    dump_free(&d);
}

Test(dump, equal_stacks_are_one_group_whatever_their_arguments)
{
    struct dump d;
    parse(&d, small);
    cr_assert_eq(d.ngroups, 2);
    cr_expect_eq(d.groups[0].n, 2);
    cr_expect_eq(d.groups[0].minutes, 7);
    cr_expect_eq(d.g[d.order[d.groups[0].first]].id, 13, "the longest wait first");
    cr_expect_eq(d.groups[1].n, 1);
    cr_expect_not(d.deadlock, "one runs");
    dump_free(&d);
}

static char *many(const char *state, int n)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    for (int i = 0; i < n; i++)
        fprintf(f, "goroutine %d [%s]:\nf()\n\t/f.c:1 +0x1\n\n", i + 1, state);
    fclose(f);
    return text;
}

static unsigned suspicion_of(const char *state, int n)
{
    struct dump d;
    char *text = many(state, n);
    parse(&d, text);
    cr_assert_eq(d.ngroups, 1);
    unsigned s = d.groups[0].suspicion;
    dump_free(&d);
    free(text);
    return s;
}

Test(dump, suspicions)
{
    cr_expect_eq(suspicion_of("chan receive (nil chan)", 1), DUMP_STUCK);
    cr_expect_eq(suspicion_of("chan send (nil chan)", 2), DUMP_STUCK);
    cr_expect_eq(suspicion_of("select (no cases)", 1), DUMP_STUCK);
    cr_expect_eq(suspicion_of("select", 100), 0);
    cr_expect_eq(suspicion_of("select, 1 minutes", 9), 0);
    cr_expect_eq(suspicion_of("select, 1 minutes", 10), DUMP_LEAK);
    cr_expect_eq(suspicion_of("IO wait, 2 minutes", 10), DUMP_LEAK);
    cr_expect_eq(suspicion_of("finalizer wait, 2 minutes", 10), 0);
    cr_expect_eq(suspicion_of("sync.Mutex.Lock", 9), 0);
    cr_expect_eq(suspicion_of("sync.Mutex.Lock", 10), DUMP_CONVOY);
    cr_expect_eq(suspicion_of("sync.RWMutex.RLock, 3 minutes", 10), DUMP_CONVOY | DUMP_LEAK);
    cr_expect_eq(suspicion_of("running", 50), 0);
}

static bool deadlock_of(const char *text, uint64_t ours)
{
    struct dump d = {0};
    dump_parse(&d, text, strlen(text), &ours, 1);
    bool dead = d.deadlock;
    dump_free(&d);
    return dead;
}

Test(dump, a_deadlock_is_that_all_but_the_server_wait_for_each_other)
{
    static const char text[] = "goroutine 9 [running]:\nx()\n\n"
                               "goroutine 1 [semacquire]:\na()\n\n"
                               "goroutine 2 [chan send]:\nb()\n";
    cr_expect(deadlock_of(text, 9));
    cr_expect_not(deadlock_of(text, 1));
    cr_expect_not(deadlock_of("goroutine 9 [running]:\nx()\n", 9), "there is nobody else");
    cr_expect_not(deadlock_of("goroutine 1 [sleep]:\na()\n\ngoroutine 2 [select]:\nb()\n", 9));
    cr_expect_not(deadlock_of("goroutine 1 [IO wait]:\na()\n\ngoroutine 2 [select]:\nb()\n", 9));
}

Test(dump, our_own_goroutines_are_groups_of_their_own)
{
    const uint64_t ours[] = {2};
    struct dump d = {0};
    char *text = many("select, 5 minutes", 12);
    dump_parse(&d, text, strlen(text), ours, 1);
    cr_assert_eq(d.ngroups, 2);
    cr_expect_eq(d.groups[0].n, 11);
    cr_expect(d.groups[1].ours);
    cr_expect_eq(d.groups[1].suspicion, 0);
    dump_free(&d);
    free(text);
}

Test(dump, the_worst_stands_first)
{
    struct dump d;
    parse(&d, "goroutine 1 [select, 90 minutes]:\na()\n\n"
              "goroutine 2 [select (no cases)]:\nb()\n\n"
              "goroutine 3 [select]:\nc()\n\ngoroutine 4 [select]:\nc()\n");
    cr_assert_eq(d.ngroups, 3);
    cr_expect_eq(d.g[d.order[d.groups[0].first]].id, 2);
    cr_expect_eq(d.g[d.order[d.groups[1].first]].id, 1);
    cr_expect_eq(d.groups[2].n, 2);
    dump_free(&d);
}

Test(dump, names_that_mean_something_elsewhere)
{
    struct dump d;
    struct text t = {0};
    parse(&d, "goroutine 1 [x</script>]:\n</script><script>alert(\"1\")()\n\t/a\"b\\c.c:1 +0x1\n");
    dump_json(&t, &d);
    cr_expect(memmem(t.p, t.len, "</script", 8) == NULL);
    cr_expect(memmem(t.p, t.len, "/a\\\"b\\\\c.c", 10) != NULL);
    text_free(&t);
    dump_page(&t, &d, "n");
    cr_expect(memmem(t.p, t.len, "<script>alert", 13) == NULL);
    text_free(&t);
    dump_free(&d);
}

/* Bytes removed, doubled and changed: whatever is left is read without a fault, and every goroutine that was
 * found is in one group. Each text ends where its memory does. */
Test(dump, any_text)
{
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        size_t n = sizeof small - 1;
        char *text = malloc(n);
        memcpy(text, small, n);
        for (int k = rand_r(&seed) % 40; k > 0; k--)
            text[(size_t)rand_r(&seed) % n] = "\n\t[]():, 0g\x80"[rand_r(&seed) % 12];
        size_t cut = (size_t)rand_r(&seed) % n;
        char *exact = malloc(cut + 1);
        memcpy(exact, text, cut);
        struct dump d = {0};
        struct text t = {0};
        dump_parse(&d, exact, cut, NULL, 0);
        size_t sum = 0;
        for (size_t i = 0; i < d.ngroups; i++)
            sum += d.groups[i].n;
        cr_assert_eq(sum, d.n);
        dump_json(&t, &d);
        cr_assert_not(t.failed);
        text_free(&t);
        dump_free(&d);
        free(exact);
        free(text);
    }
}
