/* Profiles of the program's own: things that are added and removed, and what Go says of misuse. */
// link: -lz
// cflags: -fno-optimize-sibling-calls
// expect: panic: pprof: NewProfile with empty name
// expect: panic: pprof: NewProfile name already in use: test/things
// expect: panic: pprof: NewProfile name already in use: heap
// expect: panic: pprof: Add called on built-in Profile heap
// expect: panic: pprof: Profile.Add of duplicate value
// expect: panic: pprof: use of uninitialized Profile
// expect: profiles: allocs block goroutine heap mutex test/things threadcreate
// expect: test/things has 1000, 500 after removing
// expect: from add: 500, from its caller: 500
// expect: inlined caller kept: 1
// expect: test/things profile: total 1001
// expect: first record: 500 things of the caller
// expect: values live: 10
// expect: built-in counts: 1 goroutine, 0 contentions
// expect: heap and nothing: found, not found
#include "pprof_reader.h"

#include <gort/prof.h>

static gort_pprof_profile *things;

static __attribute__((noinline)) void add(const void *value, int skip)
{
    gort_pprof_add(things, value, skip);
}
static __attribute__((noinline)) void add_for(const void *value)
{
    add(value, 1);
}
static inline __attribute__((always_inline)) void add_inlined(const void *value)
{
    gort_pprof_add(things, value, 1);
}
static __attribute__((noinline)) void has_inlined(void)
{
    add_inlined("inlined");
}

static void say_panic(void *unused)
{
    gort_any v;
    (void)unused;
    if (gort_recover(&v))
        printf("panic: %s\n", gort_assert(v, gort_string).ptr);
}
#define EXPECT_PANIC(statement)                                                                    \
    GORT_SCOPE                                                                                     \
    {                                                                                              \
        gort_defer(say_panic, NULL);                                                               \
        statement;                                                                                 \
    }

static void misuse(void)
{
    static int twice;
    EXPECT_PANIC(gort_pprof_new(""));
    EXPECT_PANIC(gort_pprof_new("test/things"));
    EXPECT_PANIC(gort_pprof_new("heap"));
    EXPECT_PANIC(gort_pprof_add(gort_pprof_lookup("heap"), &twice, 0));
    gort_pprof_add(things, &twice, 0);
    EXPECT_PANIC(gort_pprof_add(things, &twice, 0));
    gort_pprof_remove(things, &twice);
    gort_pprof_remove(things, &twice);
    EXPECT_PANIC(gort_pprof_add(NULL, &twice, 0));
}

static int died;
static void count_death(void *unused)
{
    (void)unused;
    died++;
}

/* On a stack of its own: nothing there keeps them afterwards. */
static void add_objects(void *wg)
{
    for (int i = 0; i < 10; i++) {
        char *p = gort_alloc_noscan(64);
        gort_add_cleanup(p, count_death, NULL);
        add(p, 0);
    }
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    static char value[1000];
    static gort_waitgroup wg;
    (void)argc, (void)argv;
    things = gort_pprof_new("test/things");
    misuse();
    gort_pprof_profile *all[10];
    size_t n = gort_pprof_profiles(all, 10);
    printf("profiles:");
    for (size_t i = 0; i < n; i++)
        printf(" %s", gort_pprof_name(all[i]));
    for (int i = 0; i < 1000; i++)
        if (i % 2 == 0)
            add(&value[i], 0);
        else
            add_for(&value[i]);
    printf("\ntest/things has %d", gort_pprof_count(things));
    for (int i = 0; i < 500; i++)
        gort_pprof_remove(things, &value[i]);
    printf(", %d after removing\n", gort_pprof_count(things));
    for (int i = 0; i < 500; i++)
        add_for(&value[i]);
    for (int i = 500; i < 1000; i++)
        if (i % 2 != 0) {
            gort_pprof_remove(things, &value[i]);
            add(&value[i], 0);
        }
    has_inlined();
    const struct pprof_file *f = pprof_of("test/things");
    long direct = 0, skipped = 0, inlined = 0;
    for (size_t i = 0; i < f->samples; i++) {
        long v = pprof_value(f, i, pprof_column(f, "test/things"));
        const char *s = pprof_stack(f, i);
        direct += strncmp(s, "add;run;", 8) == 0 ? v : 0;
        skipped += strncmp(s, "add_for;run;", 12) == 0 ? v : 0;
        inlined += strstr(s, "has_inlined;run;") != NULL ? v : 0;
    }
    printf("from add: %ld, from its caller: %ld\ninlined caller kept: %ld\n", direct, skipped,
           inlined);
    char *text = pprof_text("test/things", 1);
    char *line = strchr(text, '\n');
    long first = 0;
    int at = 0;
    sscanf(line, "\n%ld @ 0x%n", &first, &at);
    printf("%.*s\nfirst record: %ld things of %s\n", (int)(line - text), text, first,
           at > 0 && strstr(line, "\tadd") != NULL ? "the caller" : text);
    gort_waitgroup_add(&wg, 1);
    gort_go(add_objects, &wg);
    gort_waitgroup_wait(&wg);
    gort_gc();
    gort_gc();
    printf("values live: %d\n", 10 - died);
    int records = -1;
    gort_block_profile(NULL, 0, &records);
    printf("built-in counts: %d goroutine, %d contentions\n",
           gort_pprof_count(gort_pprof_lookup("goroutine")),
           gort_pprof_count(gort_pprof_lookup("block")) + records);
    printf("heap and nothing: %s, %s\n",
           gort_pprof_lookup("heap") == all[3] ? "found" : "not found",
           gort_pprof_lookup("nothing") != NULL ? "found" : "not found");
    return 0;
}

GORT_MAIN(run)
