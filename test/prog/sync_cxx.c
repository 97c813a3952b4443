/* The types and their inline functions in C++. */
// cc: c++
// expect: 6000 6000
#include <gort.h>

#include <cstdio>

static gort_mutex mutex;
static gort_rwmutex rwmutex;
static gort_waitgroup wg;
static gort_sema sema = GORT_SEMA_INIT(2);
static long a, b;

static void add(int n)
{
    for (int i = 0; i < n; i++) {
        gort_mutex_lock(&mutex);
        a++;
        gort_mutex_unlock(&mutex);
        gort_sema_acquire(&sema);
        gort_sema_release(&sema);
        gort_rwmutex_lock(&rwmutex);
        b++;
        gort_rwmutex_unlock(&rwmutex);
        gort_rwmutex_rlock(&rwmutex);
        gort_rwmutex_runlock(&rwmutex);
    }
    gort_waitgroup_done(&wg);
}

static int run(int, char **)
{
    gort_waitgroup_add(&wg, 6);
    for (int i = 0; i < 6; i++)
        gort_go(add, 1000);
    gort_waitgroup_wait(&wg);
    std::printf("%ld %ld\n", a, b);
    return 0;
}

GORT_MAIN(run)
