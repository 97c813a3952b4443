/* Where address space is short, stacks come in smaller regions, down to one at a time; only when not even
 * one can be had the program ends. */
// The emulator does not apply RLIMIT_AS to the program, and the sanitizers reserve terabytes.
// skip-on: tsan asan arm64
// env: GOMAXPROCS=1
// The thread that goroutines are stopped for would not find room either.
// env: GODEBUG=asyncpreemptoff=1
// exit: 2
// expect: 600 ran
// expect-re: ^runtime: cannot map a stack of 524288 bytes for a goroutine \(have [678][0-9][0-9]\)$
// expect-re: ^fatal error: runtime: cannot allocate memory$
// not: check failed
#include <gort.h>
#include <stdio.h>
#include <sys/resource.h>

enum { SPARE = 400 << 20 }; /* not more than 800 stacks of 512 KiB, and some tables */

static gort_chan *gate;
static int ran;

static void one(void)
{
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
    gort_chan_recv(gate, NULL);
}

static rlim_t bytes_now(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%lu", &pages) != 1)
        return 0;
    fclose(f);
    return pages * 4096;
}

static void start(int n)
{
    gort_go_options o = {.stack_bytes = (size_t)512 << 10}; /* not in the region of the others */
    for (int i = 0; i < n; i++) {
        gort_go_with(o, one);
        gort_gosched();
    }
}

static int run(int argc, char **argv)
{
    struct rlimit limit;
    (void)argc;
    (void)argv;
    gate = gort_make_chan(int, 0);
    limit.rlim_cur = limit.rlim_max = bytes_now() + SPARE;
    setrlimit(RLIMIT_AS, &limit);
    start(600);
    while (__atomic_load_n(&ran, __ATOMIC_RELAXED) < 600)
        gort_gosched();
    printf("%d ran\n", ran);
    fflush(stdout);
    start(1000);
    return 0;
}
GORT_MAIN(run)
