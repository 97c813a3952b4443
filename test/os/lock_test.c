/* lock_test.c: futex locks, notes, and the order of locks. */
#include "os/os.h"
#include "support.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct lock l = LOCK_INIT(sched);
static long count;

static void *add(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        lock(&l);
        count++;
        unlock(&l);
    }
    return arg;
}

Test(lock, excludes)
{
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, add, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    cr_expect_eq(count, (long)THREADS * ROUNDS);
    cr_expect(lock_try(&l));
    cr_expect_not(lock_try(&l));
    unlock(&l);
}

static struct note ping, pong;

static void *answer(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        note_sleep(&ping);
        note_clear(&ping);
        note_wake(&pong);
    }
    return arg;
}

Test(note, wakes_each_time)
{
    pthread_t t;
    pthread_create(&t, NULL, answer, NULL);
    for (int i = 0; i < 1000; i++) {
        note_wake(&ping);
        note_sleep(&pong);
        note_clear(&pong);
    }
    pthread_join(t, NULL);
    cr_expect_not(note_sleep_for(&pong, 1000));
    note_wake(&pong);
    cr_expect(note_sleep_for(&pong, INT64_C(1000000000)));
}

Test(os, a_computing_thread_is_not_asleep)
{
    cr_expect_eq(os_thread_asleep(os_thread_id()), 0);
    cr_expect_geq(os_thread_count(), 1);
    cr_expect_eq(os_thread_asleep(0x7fffffff), -1);
    int64_t sleeps = os_thread_sleeps(os_thread_id());
    cr_expect(sleeps >= 0);
    os_sleep_ns(1000000);
    cr_expect(os_thread_sleeps(os_thread_id()) > sleeps);
    cr_expect_eq(os_thread_sleeps(0x7fffffff), -1);
}

Test(os, a_guard_faults)
{
    size_t page = os_page_bytes();
    char *p = os_reserve(4 * page);
    cr_assert_not_null(p);
    cr_expect_eq(os_guard(p + page, page), 0);
    p[0] = p[2 * page] = 1;
    cr_expect_eq(write(-1, "", 0), -1);
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_expect_eq(write(fds[1], p + page, 1), -1, "the kernel cannot read a guard either");
    os_unmap(p, 4 * page);
}

#ifdef GORT_DEBUG
static void out_of_order(void)
{
    static struct lock inner = LOCK_INIT(pages), outer = LOCK_INIT(sched);
    lock(&inner);
    lock(&outer);
}

Test(lock, taken_out_of_order_is_reported)
{
    char *output;
    int status;
    run_forked(out_of_order, &output, &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    cr_expect_not_null(strstr(output, "lock rank sched taken while holding pages"));
    cr_expect_not_null(strstr(output, "fatal error: lock taken out of order"));
    free(output);
}
#endif
