// exit: 2
// env: GOMAXPROCS=2
// expect-re: ^runtime: program exceeds 8-thread limit$
// expect-re: ^fatal error: thread exhaustion$
#include <gort.h>
#include <unistd.h>

static void hold_thread(void)
{
    gort_lock_os_thread();
    sleep(1000);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_debug_set_max_threads(8);
    for (int i = 0; i < 20; i++)
        gort_go(hold_thread);
    for (;;)
        gort_sleep(1000000);
}
GORT_MAIN(run)
