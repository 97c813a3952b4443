/* The time that goroutines are blocked on mutexes adds up: of two that wait for 30 ms each, at least 60 ms. */
// expect: Mutex
// expect: RWMutex, a writer and a reader
#include "await.h"
#include "metrics.h"

#include <time.h>

#define WAITED "/sync/mutex/wait/total:seconds"
static struct metrics m;
static gort_mutex mu;
static gort_rwmutex rw;
static gort_waitgroup wg;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void lock_mutex(void)
{
    gort_mutex_lock(&mu);
    gort_mutex_unlock(&mu);
    gort_waitgroup_done(&wg);
}

static void lock_to_write(void)
{
    gort_rwmutex_lock(&rw);
    gort_rwmutex_unlock(&rw);
    gort_waitgroup_done(&wg);
}

static void lock_to_read(void)
{
    gort_rwmutex_rlock(&rw);
    gort_rwmutex_runlock(&rw);
    gort_waitgroup_done(&wg);
}

static double waited(void)
{
    metrics_read_all(&m);
    return metric_f(&m, WAITED);
}

/* Those that wait do so for 30 ms from now on, and no longer than since `began`. */
static void hold_up(void (*let_go)(void), double began, double before, const char *what)
{
    for (double until = now() + 0.03; now() < until;)
        ;
    let_go();
    gort_waitgroup_wait(&wg);
    double seen = waited() - before, most = 2 * (now() - began);
    if (seen >= 0.0599 && seen <= most) /* a stamp is exact to 16 ns */
        printf("%s\n", what);
    else
        printf("%s: %f of %f s\n", what, seen, most);
}

static void unlock_mutex(void)
{
    gort_mutex_unlock(&mu);
}

static void unlock_readers(void)
{
    gort_rwmutex_unlock(&rw);
}

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    double before = waited(), began = now();
    gort_mutex_lock(&mu);
    gort_waitgroup_add(&wg, 2);
    gort_go(lock_mutex);
    gort_go(lock_mutex);
    await("[sync.Mutex.Lock]", 2);
    hold_up(unlock_mutex, began, before, "Mutex");

    before = waited(), began = now();
    gort_rwmutex_lock(&rw);
    gort_waitgroup_add(&wg, 2);
    gort_go(lock_to_read);
    await("[sync.RWMutex.RLock]", 1);
    gort_go(lock_to_write);
    await("[sync.Mutex.Lock]", 1); /* behind the other writer: us */
    hold_up(unlock_readers, began, before, "RWMutex, a writer and a reader");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
