/* The file of GODEBUG=pagetrace, read again. What Ps write is in test/prog/mem_pagetrace.c. */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/rand.h"
#include "prog/pagetrace_reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[] = "/tmp/pagetrace-XXXXXX";

static void setup(void)
{
    char knob[64];
    close(mkstemp(path));
    snprintf(knob, sizeof knob, "scavtrace=0,pagetrace=%s,gctrace=0", path);
    setenv("GODEBUG", knob, 1);
    pagetrace_start();
    cr_assert_eq(load_rlx(&pagetrace_on), 1u);
    mem_cache_new();
}

static void teardown(void)
{
    unlink(path);
}

TestSuite(pagetrace, .init = setup, .fini = teardown);

static struct trace_read finish(void)
{
    struct trace_read t;
    pagetrace_finish();
    trace_read(&t, path);
    cr_expect_str_eq(t.wrong, "");
    return t;
}

Test(pagetrace, a_run_is_allocated_freed_and_given_back)
{
    uint64_t before = (uint64_t)os_nanotime() >> 7;
    struct span *s = pages_take(5, 0, OBJ_NOSCAN);
    uintptr_t base = s->base;
    *(char *)base = 1;
    pages_put(s);
    scavenge_all();
    struct trace_read t = finish();
    cr_assert_eq(t.n, 3u);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(t.event[i].type, i + 1);
        cr_expect_eq(t.event[i].base, base);
        cr_expect_eq(t.event[i].npages, 5u);
        cr_expect_eq(t.event[i].p, -1);
    }
    cr_expect_eq(t.blocks, 1u);
    cr_expect(t.syncs >= 1 && t.syncs <= 3, "one, and one for each long pause");
    uint64_t now = (uint64_t)os_nanotime() >> 7;
    cr_expect(t.event[0].tick >= before && t.event[2].tick <= now);
}

Test(pagetrace, words_are_laid_out_as_go_does)
{
    uint64_t w[7];
    pagetrace_write(PAGETRACE_ALLOC, 0xc000010000, 2000);
    pagetrace_write(PAGETRACE_FREE, 0xc000010000, 2000);
    pagetrace_finish();
    FILE *f = fopen(path, "rb");
    size_t n = fread(w, 8, 7, f);
    fclose(f);
    cr_assert_geq(n, 6u);
    cr_expect_eq(w[0], 0xfffffffffffffffc);
    cr_expect_eq(w[1] & 7, 0u);
    cr_expect_eq(w[2], 0x000000c000010005u); /* no time since the sync */
    cr_expect_eq(w[3], 2000u);
    size_t second = (w[4] & 7) == 0 ? 5 : 4; /* behind a sync, where we did not run in between */
    cr_expect_eq(n, second + 2);
    cr_expect_eq(w[second] & 0xffffffffffff, 0xc000010006u);
    cr_expect_eq(w[second + 1], 2000u);
}

Test(pagetrace, the_largest_small_and_the_smallest_large_run)
{
    pagetrace_write(PAGETRACE_ALLOC, 0x10000000, 1023);
    pagetrace_write(PAGETRACE_ALLOC, 0x20000000, 1024);
    struct trace_read t = finish();
    cr_expect_eq(t.event[0].npages, 1023u);
    cr_expect_eq(t.event[1].npages, 1024u);
    cr_expect_eq(t.large, 1u);
}

Test(pagetrace, a_pause_gets_a_new_sync)
{
    pages_take(1, 0, OBJ_NOSCAN);
    usleep(20000); /* more than 2^23 ns */
    pages_take(1, 0, OBJ_NOSCAN);
    struct trace_read t = finish();
    cr_expect_eq(t.syncs, 2u);
    cr_expect_geq(t.event[1].tick - t.event[0].tick, 20000000u / 128 - 1);
}

Test(pagetrace, thousands_of_events_fill_many_buffers)
{
    enum { LIVE = 500, STEPS = 40000 };
    static struct span *live[LIVE];
    uint64_t rand = 11;
    for (int i = 0; i < STEPS; i++) {
        uint32_t k = rand_below(&rand, LIVE);
        if (live[k] == NULL) {
            live[k] = pages_take(1 + rand_below(&rand, i % 50 == 0 ? 3000 : 9), 0,
                                 (enum obj_kind)rand_below(&rand, OBJ_KINDS));
        } else {
            pages_put(live[k]);
            live[k] = NULL;
        }
        if (i % 1000 == 0)
            scavenge_some(1 << 20);
    }
    struct trace_read t = finish();
    cr_expect_geq(t.blocks, STEPS / 4096u);
    cr_expect_eq(t.count[1] + t.count[2], STEPS);
    cr_expect_gt(t.large, 10u);
    cr_expect_gt(t.count[3], 10u);
}

Test(pagetrace, a_child_of_the_program_writes_nothing)
{
    int status;
    pages_take(1, 0, OBJ_NOSCAN);
    if (fork() == 0) {
        pages_take(1, 0, OBJ_NOSCAN);
        pagetrace_finish();
        _exit(0);
    }
    wait(&status);
    cr_expect_eq(finish().n, 1u);
}

Test(pagetrace, nothing_is_written_after_the_end)
{
    struct stat before, after;
    pages_take(1, 0, OBJ_NOSCAN);
    pagetrace_finish();
    stat(path, &before);
    pages_take(1, 0, OBJ_NOSCAN);
    pagetrace_finish();
    stat(path, &after);
    cr_expect_eq(before.st_size, 24);
    cr_expect_eq(after.st_size, 24);
}

Test(pagetrace_names, that_are_no_files_switch_it_off)
{
    static const char *const knobs_tried[] = {"pagetrace=", "pagetrace=/nowhere/file",
                                              "xpagetrace=/tmp/x", "pagetrace",
                                              "pagetrace=,pagetrace=/tmp/second"};
    for (size_t i = 0; i < ARRAY_LEN(knobs_tried); i++) {
        setenv("GODEBUG", knobs_tried[i], 1);
        pagetrace_start();
        cr_expect_eq(load_rlx(&pagetrace_on), 0u, "%s", knobs_tried[i]);
    }
    static char lengthy[5000] = "pagetrace=/tmp/";
    memset(lengthy + 15, 'a', sizeof lengthy - 16);
    setenv("GODEBUG", lengthy, 1);
    pagetrace_start();
    cr_expect_eq(load_rlx(&pagetrace_on), 0u);
}
