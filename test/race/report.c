/* The words of a report are Go's. */
// env: GORACE=atexit_sleep_ms=0
// env: GOMAXPROCS=1
// env: TSAN_OPTIONS=
// exit: 66
// expect: ==================
// expect: WARNING: DATA RACE
// expect-re: ^Write at 0x[0-9a-f]{12} by main goroutine:$
// expect-re: ^  run\(\)$
// expect-re: ^      .*/?test/race/report.c:60 \+0x[0-9a-f]+$
// expect:
// expect-re: ^Previous read at 0x[0-9a-f]{12} by goroutine [0-9]+:$
// expect-re: ^  reads\(\)$
// expect-re: ^      .*/?test/race/report.c:40 \+0x[0-9a-f]+$
// expect-re: ^  middle\(\)$
// expect-re: ^      .*/?test/race/report.c:45 \+0x[0-9a-f]+$
// expect-re: ^  child\(\)$
// expect-re: ^      .*/?test/race/report.c:50 \+0x[0-9a-f]+$
// expect:
// expect-re: ^Goroutine [0-9]+ \((running|finished)\) created at:$
// expect-re: ^  run\(\)$
// expect-re: ^      .*/?test/race/report.c:57 \+0x[0-9a-f]+$
// expect: ==================
// expect: Found 1 data race(s)
// not: ThreadSanitizer|runtime|gort_
#include <gort.h>

#include <stdio.h>

/* Not on the line of anything that is expected above. */

#define APART __attribute__((noinline))

long shared;
long seen;

static bool over;
static APART void reads(void)
{
    seen = shared;
}

static APART void middle(void)
{
    reads();
}

static void child(void)
{
    middle();
    __atomic_store_n(&over, true, __ATOMIC_RELAXED); /* orders nothing */
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(child);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        gort_gosched();
    shared = 1;
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
