/* White-box tests of src/poll: the two-sided semaphore, and epoll under it. */
#include <criterion/criterion.h>

#include "os/os.h"
#include "poll/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pollfd_state state;
static int ends[2];

static void open_pair(void)
{
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    cr_assert(poll_open(&state, ends[0]) == 0);
}

static int wait_for(int64_t ns)
{
    void *out[POLL_MAX_OUT];
    return poll_wait(ns, out, POLL_MAX_OUT);
}

Test(poll, edge_before_the_wait_makes_it_no_wait)
{
    struct pollfd_state s = {0};
    cr_expect(poll_edge(&s, POLL_READ) == NULL);
    cr_expect(!poll_begin_wait(&s, POLL_READ));
    cr_expect(poll_begin_wait(&s, POLL_READ));
    cr_expect(!poll_end_wait(&s, POLL_READ));
}

Test(poll, edge_between_begin_and_commit_fails_the_commit)
{
    struct pollfd_state s = {0};
    int waiter;
    cr_expect(poll_begin_wait(&s, POLL_WRITE));
    cr_expect(poll_edge(&s, POLL_WRITE) == NULL);
    cr_expect(!poll_commit_wait(&s, POLL_WRITE, &waiter));
    cr_expect(poll_end_wait(&s, POLL_WRITE));
    cr_expect(poll_waiters() == 0);
}

Test(poll, edge_after_commit_hands_the_waiter_out_once)
{
    struct pollfd_state s = {0};
    int waiter;
    cr_expect(poll_begin_wait(&s, POLL_READ));
    cr_expect(poll_commit_wait(&s, POLL_READ, &waiter));
    cr_expect(poll_waiters() == 1);
    poll_check(&s);
    cr_expect(poll_edge(&s, POLL_READ) == &waiter);
    cr_expect(poll_edge(&s, POLL_READ) == NULL);
    cr_expect(poll_unblock(&s, POLL_READ) == NULL);
    cr_expect(poll_waiters() == 0);
    cr_expect(poll_end_wait(&s, POLL_READ));
}

Test(poll, unblock_hands_the_waiter_out_without_an_edge)
{
    struct pollfd_state s = {0};
    int waiter;
    cr_expect(poll_unblock(&s, POLL_READ) == NULL);
    cr_expect(poll_begin_wait(&s, POLL_READ));
    cr_expect(poll_commit_wait(&s, POLL_READ, &waiter));
    cr_expect(poll_unblock(&s, POLL_READ) == &waiter);
    cr_expect(!poll_end_wait(&s, POLL_READ));
}

Test(poll, unblock_between_begin_and_commit_fails_the_commit)
{
    struct pollfd_state s = {0};
    int waiter;
    cr_expect(poll_begin_wait(&s, POLL_READ));
    cr_expect(poll_unblock(&s, POLL_READ) == NULL);
    cr_expect(!poll_commit_wait(&s, POLL_READ, &waiter));
    cr_expect(!poll_end_wait(&s, POLL_READ));
}

Test(poll, clear_forgets_an_edge)
{
    struct pollfd_state s = {0};
    (void)poll_edge(&s, POLL_READ);
    poll_clear(&s, POLL_READ);
    cr_expect(poll_begin_wait(&s, POLL_READ));
}

Test(poll, opening_reports_what_is_ready_as_an_edge)
{
    open_pair();
    cr_expect(wait_for(0) == 0);
    cr_expect(!poll_begin_wait(&state, POLL_WRITE));
    cr_expect(poll_begin_wait(&state, POLL_READ));
}

Test(poll, data_wakes_the_reader)
{
    int waiter;
    void *out[POLL_MAX_OUT];
    open_pair();
    cr_expect(poll_begin_wait(&state, POLL_READ));
    cr_expect(poll_commit_wait(&state, POLL_READ, &waiter));
    cr_expect(wait_for(0) == 0);
    cr_expect(write(ends[1], "x", 1) == 1);
    cr_expect(poll_wait(-1, out, POLL_MAX_OUT) == 1);
    cr_expect(out[0] == &waiter);
    cr_expect(load_rlx(&state.sticky) == 0);
    cr_expect(poll_end_wait(&state, POLL_READ));
}

Test(poll, hang_up_is_sticky_and_wakes_both_sides)
{
    open_pair();
    cr_expect(wait_for(0) == 0);
    close(ends[1]);
    cr_expect(wait_for(0) == 0);
    cr_expect(load_rlx(&state.sticky) == 1);
    cr_expect(!poll_begin_wait(&state, POLL_READ));
    cr_expect(!poll_begin_wait(&state, POLL_WRITE));
}

Test(poll, a_regular_file_is_refused)
{
    char name[] = "/tmp/gort-poll-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    cr_expect(poll_open(&state, fd) == -EPERM);
}

Test(poll, events_of_an_earlier_life_are_dropped)
{
    open_pair();
    int copy = dup(ends[0]); /* keeps the registration alive over the close */
    cr_expect(write(ends[1], "x", 1) == 1);
    add_rlx(&state.generation, 1u); /* as poll_close, but the kernel does not know */
    cr_expect(wait_for(0) == 0);
    cr_expect(poll_begin_wait(&state, POLL_READ), "no edge came");
    close(copy);
}

static void *break_later(void *arg)
{
    usleep(20000);
    poll_break();
    return arg;
}

Test(poll, break_ends_a_wait_for_ever)
{
    pthread_t t;
    cr_assert(poll_init() == 0);
    pthread_create(&t, NULL, break_later, NULL);
    cr_expect(wait_for(-1) == 0);
    pthread_join(t, NULL);
}

Test(poll, break_before_the_wait_ends_it_and_a_look_does_not_take_it)
{
    cr_assert(poll_init() == 0);
    poll_break();
    poll_break();
    cr_expect(wait_for(0) == 0);
    cr_expect(wait_for(-1) == 0);
    int64_t before = os_nanotime();
    cr_expect(wait_for(5000000) == 0);
    cr_expect(os_nanotime() - before >= 5000000, "one break ends one wait");
}

/* One that took whole milliseconds would never be shorter than one, however often. */
Test(poll, a_short_wait_is_neither_early_nor_a_millisecond)
{
    cr_assert(poll_init() == 0);
    int64_t took;
    do {
        int64_t before = os_nanotime();
        (void)wait_for(100000);
        took = os_nanotime() - before;
        cr_expect(took >= 100000);
    } while (took >= 900000);
}

enum { ROUNDS = 20000 };
static struct note woken;

/* Waits as a goroutine would, asleep instead of parked. */
static void *wait_often(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (!poll_begin_wait(&state, POLL_READ))
            continue;
        if (poll_commit_wait(&state, POLL_READ, &state)) {
            note_sleep(&woken);
            note_clear(&woken);
        }
        cr_expect(poll_end_wait(&state, POLL_READ));
    }
    return arg;
}

Test(poll, no_edge_is_lost_between_a_waiter_and_a_waker)
{
    pthread_t t;
    pthread_create(&t, NULL, wait_often, NULL);
    while (pthread_tryjoin_np(t, NULL) != 0) {
        if (poll_edge(&state, POLL_READ) != NULL)
            note_wake(&woken);
    }
    cr_expect(poll_waiters() == 0);
}
