/* Goroutine 1 ends while the first thread sleeps in somebody's call: the status is the same. */
// exit: 9
// env: GOMAXPROCS=2
// expect: atexit ran
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void bye(void)
{
    puts("atexit ran");
}
static gort_chan *started;
static int sleepers;

static void hold_thread(void)
{
    __atomic_add_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
    if (syscall(SYS_gettid) == getpid())
        sleep(1000);
    gort_chan_send(started, &(int){1});
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    atexit(bye);
    started = gort_make_chan(int, 1000);
    for (int i = 0; i < 200; i++)
        gort_go(hold_thread);
    while (__atomic_load_n(&sleepers, __ATOMIC_SEQ_CST) < 200)
        gort_sleep(1000000);
    return 9;
}
GORT_MAIN(run)
