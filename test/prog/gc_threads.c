/* Attached threads that alone know of an object: in their stack, while blocked in the kernel and while
 * computing; in a register; in a thread-local. */
// env: GODEBUG=clobberfree=1
// expect: stack, blocked: kept
// expect: thread-local, blocked: kept
// expect: stack, computing: kept
// expect: register, computing: kept
// limit: 60
// There no signal stops a thread that computes.
// skip-on: tsan
#include "cycles.h"
#include "keep.h"
#include <pthread.h>
#include <unistd.h>

static __thread secret *of_thread;
static int ends[2];
static _Atomic int ready, go_on;

/* In the kernel; nothing of the runtime knows. */
static void *blocked(void *arg)
{
    char c;
    (void)arg;
    gort_attach_thread();
    secret *volatile mine = secret_new("blocked");
    of_thread = secret_new("local");
    wipe_stack();
    ready++;
    if (read(ends[0], &c, 1) != 1)
        return NULL;
    show("stack, blocked", mine, "blocked");
    show("thread-local, blocked", of_thread, "local");
    gort_detach_thread();
    return NULL;
}

static void *computing(void *arg)
{
    (void)arg;
    gort_attach_thread();
    secret *volatile mine = secret_new("computing");
    secret *reg = secret_new("register");
    wipe_stack();
    ready++;
    while (!go_on)
        __asm__ volatile("" : "+r"(reg));
    show("stack, computing", mine, "computing");
    show("register, computing", reg, "register");
    gort_detach_thread();
    return NULL;
}

static void await_cycles(unsigned n)
{
    unsigned from = cycles.count;
    while (cycles.count - from < n) {
        for (int i = 0; i < 2000; i++)
            memset(gort_alloc(sizeof(secret)), 0x55, sizeof(secret));
        gort_gosched();
    }
}

static int run(int argc, char **argv)
{
    pthread_t a, b;
    (void)argc;
    (void)argv;
    if (pipe(ends) != 0)
        return 1;
    cycles_start(10000);
    pthread_create(&a, NULL, blocked, NULL);
    while (ready < 1)
        gort_gosched();
    await_cycles(5);
    if (write(ends[1], "x", 1) != 1)
        return 1;
    pthread_join(a, NULL);
    pthread_create(&b, NULL, computing, NULL);
    while (ready < 2)
        gort_gosched();
    await_cycles(5);
    go_on = 1;
    pthread_join(b, NULL);
    cycles_stop();
    return 0;
}
GORT_MAIN(run)
