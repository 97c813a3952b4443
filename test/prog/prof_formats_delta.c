/* What is added to a profile in some time: what was there before is not in it, what ends is negative. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// no-fault: open_file
// env: GODEBUG=memprofilerate=1
// limit: 60
// expect: allocs: 0 before, 100 meanwhile
// expect: heap: 100 meanwhile
// expect: block: 0 before, 1 meanwhile
// expect: mutex: 0 before, 1 meanwhile
// expect: goroutine: -1 ended, 1 began
// expect: threadcreate: good
// expect: time and duration: good
#include "await.h"
#include "pprof_reader.h"

#include <gort/prof.h>

#define MS 1000000l

static void *volatile kept[200];
static gort_mutex mutex;
static gort_chan *ends, *never, *go, *went;

static __attribute__((noinline)) void allocate_before(void)
{
    for (int i = 0; i < 100; i++)
        kept[i] = gort_alloc_noscan(1024);
}
static __attribute__((noinline)) void allocate_meanwhile(void)
{
    for (int i = 0; i < 100; i++)
        kept[100 + i] = gort_alloc_noscan(2048);
}

static void lock_it(void *unused)
{
    (void)unused;
    gort_mutex_lock(&mutex);
    gort_mutex_unlock(&mutex);
}
static __attribute__((noinline)) void contend(void)
{
    int before = gort_num_goroutine();
    gort_mutex_lock(&mutex);
    gort_go(lock_it, NULL);
    await("[sync.Mutex.Lock]", 1);
    gort_mutex_unlock(&mutex);
    while (gort_num_goroutine() > before)
        gort_gosched();
}
static __attribute__((noinline)) void contend_before(void)
{
    contend();
}
static __attribute__((noinline)) void contend_meanwhile(void)
{
    contend();
}

static __attribute__((noinline)) void wait_ends(void *unused)
{
    int v;
    (void)unused;
    gort_chan_recv(ends, &v);
}
static __attribute__((noinline)) void wait_never(void *unused)
{
    int v;
    (void)unused;
    gort_chan_recv(never, &v);
}

static bool finished;

/* Does the writer sleep, between its two looks? It does at some time, or has finished. */
static bool is_between(void)
{
    static char text[1 << 16];
    while (!__atomic_load_n(&finished, __ATOMIC_ACQUIRE)) {
        text[gort_stack(text, sizeof text - 1, true)] = '\0';
        if (strstr(text, "[sleep]") != NULL)
            return true;
        gort_gosched();
    }
    return false;
}

static bool is_shown(const char *what)
{
    static char text[1 << 16];
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    return strstr(text, what) != NULL;
}

static void happen(int what)
{
    int v = 0;
    if (what == 'h') {
        allocate_meanwhile();
        gort_gc();
        gort_gc();
    } else if (what == 'b') {
        contend_meanwhile();
    } else if (what == 'g') {
        gort_chan_send(ends, &v);
        while (is_shown("wait_ends("))
            gort_gosched();
        gort_go(wait_never, NULL);
        await("wait_never(", 1);
    }
}

enum { IN_TIME, LATE, NOT_AT_ALL };

/* One thing happens for each message, which is answered by whether it did in time. */
static void meanwhile(void *unused)
{
    int v;
    (void)unused;
    while (gort_chan_recv(go, &v)) {
        int answer = NOT_AT_ALL;
        if (is_between()) {
            happen(v);
            answer = is_between() ? IN_TIME : LATE;
        }
        gort_chan_send(went, &answer);
    }
}

/* On a slow machine once more, with more time. */
static struct pprof_file *delta(const char *name, int what)
{
    char path[] = "/tmp/gort_pprof_XXXXXX";
    int fd = mkstemp(path), answer = LATE;
    for (long ns = 50 * MS; answer != IN_TIME; ns *= 2) {
        if (what == 'g' && answer == LATE)
            gort_go(wait_ends, NULL);
        __atomic_store_n(&finished, false, __ATOMIC_RELEASE);
        gort_chan_send(go, &what);
        PPROF_CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
        PPROF_CHECK(gort_pprof_write_delta(name, fd, ns) == 0);
        __atomic_store_n(&finished, true, __ATOMIC_RELEASE);
        gort_chan_recv(went, &answer);
    }
    gort_close(fd);
    struct pprof_file *f = pprof_read(path);
    unlink(path);
    PPROF_CHECK(f->duration_ns >= 50 * MS && f->time_ns > 0);
    return f;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    ends = gort_chan_make(gort_typeof(int), 0);
    never = gort_chan_make(gort_typeof(int), 0);
    go = gort_chan_make(gort_typeof(int), 0);
    went = gort_chan_make(gort_typeof(int), 1);
    gort_go(meanwhile, NULL);
    gort_set_block_profile_rate(1);
    gort_set_mutex_profile_fraction(1);
    allocate_before();
    contend_before();
    gort_gc();
    gort_gc();
    const struct pprof_file *f = delta("allocs", 'h');
    long n = pprof_sum(f, "alloc_objects", "allocate_meanwhile;");
    printf("allocs: %ld before, %ld meanwhile\n", pprof_sum(f, "alloc_objects", "allocate_before;"),
           n);
    f = delta("heap", 'h');
    n = pprof_sum(f, "alloc_objects", "allocate_meanwhile;");
    printf("heap: %ld meanwhile\n", n);
    f = delta("block", 'b');
    printf("block: %ld before, %ld meanwhile\n", pprof_sum(f, "contentions", "contend_before;"),
           pprof_sum(f, "contentions", "lock_it;"));
    f = delta("mutex", 'b');
    printf("mutex: %ld before, %ld meanwhile\n", pprof_sum(f, "contentions", "contend_before;"),
           pprof_sum(f, "contentions", "contend_meanwhile;"));
    f = delta("goroutine", 'g');
    printf("goroutine: %ld ended, %ld began\n", pprof_sum(f, "goroutine", "wait_ends;"),
           pprof_sum(f, "goroutine", "wait_never;"));
    f = delta("threadcreate", 't');
    printf("threadcreate: %s\n", f->types == 1 ? "good" : "bad");
    printf("time and duration: good\n");
    return 0;
}

GORT_MAIN(run)
