/* child_test.c: a child that sees memory as it was, and that the program does not see. */
#include "os/os.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    au32 go, seen, pid;
};
static struct shared *shared;
static volatile int number = 1;

/* The child's pid; the test is skipped where there is no such child. */
static int child(void (*fn)(void *))
{
    if (shared == NULL)
        shared = os_map_shared(os_page_bytes());
    cr_assert_not_null(shared);
    int pid = os_clone_child(fn, shared);
    if (pid == -EINVAL)
        cr_skip_test("an emulator that cannot clone so");
    cr_assert(pid > 0, "%d", pid);
    return pid;
}

static void wait_for_go(struct shared *s)
{
    while (load_acq(&s->go) == 0)
        os_sleep_ns(100000);
}

static void look_late(void *arg)
{
    struct shared *s = arg;
    wait_for_go(s);
    store_rel(&s->seen, (uint32_t)number);
}

Test(child, sees_memory_as_it_was)
{
    int pid = child(look_late);
    number = 2;
    store_rel(&shared->go, 1u);
    cr_expect_eq(os_child_wait(pid), 0);
    cr_expect_eq(load_acq(&shared->seen), 1);
    cr_expect_eq(os_child_wait(pid), -ECHILD);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
    signals += sig != 0;
}

static void count_fork(void)
{
    number = 100;
}

Test(child, the_program_does_not_notice_it)
{
    sigset_t before, after;
    pthread_atfork(count_fork, count_fork, count_fork);
    signal(SIGCHLD, count_signal);
    sigprocmask(SIG_SETMASK, NULL, &before);
    int pid = child(look_late);
    sigprocmask(SIG_SETMASK, NULL, &after);
    cr_expect_eq(memcmp(&before, &after, 8), 0); /* what the kernel knows of it */
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_expect_eq(errno, ECHILD);
    store_rel(&shared->go, 1u);
    cr_expect_eq(os_child_wait(pid), 0);
    cr_expect_eq(signals, 0);
    cr_expect_eq(number, 1);
    cr_expect_eq(load_acq(&shared->seen), 1);
}

static void die(void *arg)
{
    volatile int *volatile nowhere = (volatile int *)8;
    (void)arg;
    *nowhere = 1;
}

static void leave(void *arg)
{
    (void)arg;
    os_exit(3);
}

Test(child, how_it_ended_is_said)
{
    int status = os_child_wait(child(die));
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%x", status);
    status = os_child_wait(child(leave));
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    int pid = child(look_late);
    kill(pid, SIGTERM); /* blocked, as all that can be */
    os_sleep_ns(1000000);
    kill(pid, SIGKILL);
    status = os_child_wait(pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(child, keeps_no_descriptor_open)
{
    int fds[2];
    char c;
    cr_assert_eq(pipe(fds), 0);
    int pid = child(look_late);
    close(fds[1]);
    cr_expect_eq(read(fds[0], &c, 1), 0, "the end, while the child lives");
    store_rel(&shared->go, 1u);
    cr_expect_eq(os_child_wait(pid), 0);
}

static void say_pid_and_wait(void *arg)
{
    struct shared *s = arg;
    store_rel(&s->pid, (uint32_t)getpid());
    for (;;)
        os_sleep_ns(1000000);
}

static void die_before_child(void)
{
    if (os_clone_child(say_pid_and_wait, shared) < 0)
        store_rel(&shared->pid, (uint32_t)-1);
    while (load_acq(&shared->pid) == 0)
        os_sleep_ns(100000);
    kill(getpid(), SIGKILL);
}

Test(child, ends_with_its_parent)
{
    int status;
    shared = os_map_shared(os_page_bytes());
    run_forked(die_before_child, NULL, &status); /* reads until nobody has the pipe any more */
    if (load_acq(&shared->pid) == (uint32_t)-1)
        cr_skip_test("an emulator that cannot clone so");
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
