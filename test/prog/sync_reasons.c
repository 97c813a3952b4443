/* What each kind of waiting is called in a report. */
// exit: 2
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^$
// expect-re: ^goroutine 1 \[semacquire\]:$
// expect-re: ^gort_waitgroup_wait\(
// expect-re: ^goroutine [0-9]+ \[sync\.Mutex\.Lock\]:$
// expect-re: ^gort_mutex_lock_slow\(
// expect-re: ^goroutine [0-9]+ \[sync\.RWMutex\.Lock\]:$
// expect-re: ^gort_rwmutex_lock\(
// expect-re: ^goroutine [0-9]+ \[sync\.RWMutex\.RLock\]:$
// expect-re: ^gort_rwmutex_rlock_slow\(
// expect-re: ^goroutine [0-9]+ \[sync\.Cond\.Wait\]:$
// expect-re: ^gort_cond_wait\(
// expect-re: ^goroutine [0-9]+ \[semacquire\]:$
// expect-re: ^gort_sema_acquire\(
// not: sema_acquire\(\).*runtime|running
#include "await.h"

static gort_mutex mutex, cond_mutex;
static gort_rwmutex rwmutex;
static gort_cond cond;
static gort_sema sema;
static gort_waitgroup wg;

static void lock(void)
{
    gort_mutex_lock(&mutex);
    gort_mutex_unlock(&mutex);
}

static void write_lock(void)
{
    gort_rwmutex_lock(&rwmutex);
    gort_rwmutex_unlock(&rwmutex);
}

static void read_lock(void)
{
    gort_rwmutex_rlock(&rwmutex);
    gort_rwmutex_runlock(&rwmutex);
}

static void cond_wait(void)
{
    gort_mutex_lock(&cond_mutex);
    gort_cond_wait(&cond, &cond_mutex);
    gort_mutex_unlock(&cond_mutex);
}

static void acquire(void)
{
    gort_sema_acquire(&sema);
    gort_sema_release(&sema);
}

static int run(int argc, char **argv)
{
    static const struct {
        void (*fn)(void);
        const char *reason;
    } waits[] = {{lock, "[sync.Mutex.Lock]"},
                 {write_lock, "[sync.RWMutex.Lock]"},
                 {read_lock, "[sync.RWMutex.RLock]"},
                 {cond_wait, "[sync.Cond.Wait]"},
                 {acquire, "[semacquire]"}};
    (void)argc;
    (void)argv;
    gort_mutex_lock(&mutex);
    gort_rwmutex_rlock(&rwmutex);
    for (int i = 0; i < 5; i++) {
        gort_go(waits[i].fn);
        await(waits[i].reason, 1); /* the writer waits before the second reader comes */
    }
    gort_waitgroup_add(&wg, 1);
    gort_waitgroup_wait(&wg);
    return 0;
}

GORT_MAIN(run)
