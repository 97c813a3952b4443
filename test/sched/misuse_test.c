/* misuse_test.c: what debug builds say of code of ours that breaks the rules about waiting and locks. */
#include "sched/sched_int.h"
#include "support.h"

#include <gort/go.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#ifdef GORT_DEBUG
enum { UNCHECKED = 0 };
#else
enum { UNCHECKED = 1 }; /* the checks are not there */
#endif

static struct lock outer = LOCK_INIT(chan), inner = LOCK_INIT(sema);
static struct lock pair[2] = {LOCK_INIT(chan), LOCK_INIT(chan)};

/* `misuse` dies with status 2 and `said` in its report. */
static void dies(void (*misuse)(void), const char *said)
{
    char *text;
    int status;
    run_forked(misuse, &text, &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %x", status);
    cr_expect(strncmp(text, said, strlen(said)) == 0, "%s\nexpected: %s", text, said);
    cr_expect(strstr(text, "\ngoroutine 1 [running]:\n") != NULL, "%s", text);
    free(text);
}

static void wait_with_two(void)
{
    m_enter();
    lock(&outer);
    lock(&inner);
    park_unlock(&inner, WAIT_SEMACQUIRE);
}

static void in_wait_with_two(void)
{
    in_gort(wait_with_two);
}

Test(misuse, park_unlock_with_another_lock, .disabled = UNCHECKED)
{
    dies(in_wait_with_two, "runtime: check failed: locks_held() == 1 at src/sched/park.c:");
}

static bool stay(struct g *g, void *arg)
{
    (void)g;
    (void)arg;
    return true;
}

static void wait_with_one(void)
{
    m_enter();
    lock(&outer);
    park(stay, NULL, WAIT_SEMACQUIRE);
}

static void in_wait_with_one(void)
{
    in_gort(wait_with_one);
}

static void bound_wait_with_one(void)
{
    gort_lock_os_thread();
    wait_with_one();
}

static void in_bound_wait_with_one(void)
{
    in_gort(bound_wait_with_one);
}

static void expect_held(void (*misuse)(void))
{
    char *text;
    int status;
    run_forked(misuse, &text, &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %x", status);
    cr_expect(strncmp(text, "runtime: check failed: locks_held() == 0 at src/sched/", 54) == 0,
              "%s", text);
    free(text);
}

Test(misuse, park_with_a_lock_that_the_commit_does_not_release, .disabled = UNCHECKED)
{
    expect_held(in_wait_with_one);
}

Test(misuse, park_in_place_with_a_lock, .disabled = UNCHECKED)
{
    expect_held(in_bound_wait_with_one);
}

static void yield_inside(void)
{
    m_enter();
    gort_gosched();
}

static void in_yield_inside(void)
{
    in_gort(yield_inside);
}

Test(misuse, a_public_function_that_waits_inside_a_bracket, .disabled = UNCHECKED)
{
    dies(in_yield_inside, "runtime: check failed: load_rlx(&m->locks) == 1 at src/sched/park.c:");
}

static void ready_a_running_one(void)
{
    struct m *m = m_enter();
    ready(m_curg(m));
}

static void in_ready_a_running_one(void)
{
    in_gort(ready_a_running_one);
}

Test(misuse, ready_of_what_does_not_wait, .disabled = UNCHECKED)
{
    dies(in_ready_a_running_one,
         "runtime: check failed: load_rlx(&g->status) == G_WAITING at src/sched/park.c:");
}

static void unlock_unlocked(void)
{
    m_enter();
    unlock(&outer);
}

static void in_unlock_unlocked(void)
{
    in_gort(unlock_unlocked);
}

Test(misuse, unlock_of_what_is_not_held, .disabled = UNCHECKED)
{
    dies(in_unlock_unlocked, "fatal error: unlock of a lock that this thread does not hold\n");
}

static void out_of_order(void)
{
    m_enter();
    lock(&inner);
    lock(&outer);
}

static void in_out_of_order(void)
{
    in_gort(out_of_order);
}

Test(misuse, a_lower_rank_after_a_higher, .disabled = UNCHECKED)
{
    dies(in_out_of_order,
         "lock rank chan taken while holding sema\nfatal error: lock taken out of order\n");
}

static void against_addresses(void)
{
    m_enter();
    lock(&pair[1]);
    lock(&pair[0]);
}

static void in_against_addresses(void)
{
    in_gort(against_addresses);
}

Test(misuse, one_rank_against_the_order_of_addresses, .disabled = UNCHECKED)
{
    dies(in_against_addresses,
         "lock rank chan taken while holding chan\nfatal error: lock taken out of order\n");
}
