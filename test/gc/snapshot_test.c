/* A child's result, and what happens when it has none. */
#include "gc/gc_int.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct job {
    int *in;      /* private */
    au32 *shared; /* seen by both */
    int result;
};

/* The pid; the test is skipped where no such child can be had. */
static int start(int (*fn)(void *arg), struct job *j)
{
    int pid = snapshot_start(fn, j);
    if (pid == -EINVAL)
        cr_skip_test("an emulator that cannot clone so");
    cr_assert(pid > 0, "%d", pid);
    return pid;
}

static int add_up(void *arg)
{
    struct job *j = arg;
    while (load_acq(&j->shared[0]) == 0)
        os_sleep_ns(100000);
    store_rlx(&j->shared[1], (uint32_t)*j->in);
    return j->result;
}

static int end_early(void *arg)
{
    (void)arg;
    os_exit(0);
}

static int end_badly(void *arg)
{
    (void)arg;
    abort();
}

Test(snapshot, hands_back_its_result)
{
    static const int results[] = {7, 0, 100000, -5};
    int *in = malloc(sizeof *in);
    struct job j = {.in = in, .shared = os_map_shared(os_page_bytes())};
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        j.result = results[i];
        store_rlx(&j.shared[0], 0u);
        *in = 40 + (int)i;
        int pid = start(add_up, &j);
        *in = 0; /* the child has what was */
        store_rel(&j.shared[0], 1u);
        cr_expect_eq(snapshot_wait(pid), results[i]);
        cr_expect_eq(load_rlx(&j.shared[1]), 40 + i);
    }
    free(in);
}

Test(snapshot, one_that_died_has_no_result)
{
    struct job j = {.result = 7, .shared = os_map_shared(os_page_bytes())};
    int pid = start(add_up, &j);
    kill(pid, SIGKILL);
    cr_expect_eq(snapshot_wait(pid), -1);
    cr_expect_eq(snapshot_wait(start(end_early, &j)), -1, "left without its result");
    cr_expect_eq(snapshot_wait(start(end_badly, &j)), -1);
    cr_expect_eq(snapshot_wait(pid), -1, "not there any more");
}
