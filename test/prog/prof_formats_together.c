/* Several goroutines ask for profiles of all kinds at the same time, while others allocate, wait and end. */
// link: -lz
// limit: 120
// expect: all are good
#include "pprof_reader.h"

#include <gort/prof.h>

enum { READERS = 4, WORKERS = 4 };
static gort_waitgroup readers;
static gort_mutex mutex;
static int rounds = 3;
static bool enough;

static void work(void *c)
{
    int v = 0;
    void *volatile sink;
    for (size_t i = 0; !__atomic_load_n(&enough, __ATOMIC_RELAXED); i++) {
        sink = gort_alloc(16 + i % 64 * 16);
        (void)sink;
        gort_mutex_lock(&mutex);
        gort_gosched();
        gort_mutex_unlock(&mutex);
        if (i % 2 == 0)
            gort_chan_send(c, &v);
        else
            gort_chan_recv(c, &v);
    }
}

static void read_all(void *number)
{
    static const char *const names[] = {"allocs", "block",        "goroutine", "heap",
                                        "mutex",  "threadcreate", "own"};
    size_t n = sizeof names / sizeof names[0];
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < n; i++) {
            const char *name = names[(i + (size_t)number) % n];
            const struct pprof_file *f = pprof_of(name);
            for (size_t s = 0; s < f->samples; s++)
                PPROF_CHECK(pprof_stack(f, s) != NULL);
            PPROF_CHECK(strlen(pprof_text(name, 1)) > 10);
            free(f->bytes);
        }
    gort_waitgroup_done(&readers);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_mem_profile_rate = 1024;
    gort_set_block_profile_rate(1000);
    gort_set_mutex_profile_fraction(5);
    gort_pprof_add(gort_pprof_new("own"), argv, 0);
    gort_chan *c = gort_chan_make(gort_typeof(int), 4);
    gort_waitgroup_add(&readers, READERS);
    for (int i = 0; i < WORKERS; i++)
        gort_go(work, c);
    for (long i = 0; i < READERS; i++)
        gort_go(read_all, (void *)i);
    gort_waitgroup_wait(&readers);
    __atomic_store_n(&enough, true, __ATOMIC_RELAXED);
    for (int v = 0; gort_num_goroutine() > 1;) { /* frees who waits */
        if (!gort_chan_try_recv(c, &v, NULL))
            gort_chan_try_send(c, &v);
        gort_gosched();
    }
    printf("all are good\n");
    return 0;
}

GORT_MAIN(run)
