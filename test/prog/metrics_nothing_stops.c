/* A read waits for nobody: not for a goroutine that nothing can stop, and that waits for the read itself. */
// expect: read
// env: GODEBUG=asyncpreemptoff=1
// env: GOMAXPROCS=2
#include "metrics.h"

static int running, done;

static void hold_out(void)
{
    __atomic_store_n(&running, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) == 0)
        ;
}

static struct metrics m;

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(hold_out);
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) == 0)
        gort_gosched();
    for (int i = 0; i < 10; i++)
        metrics_read_all(&m);
    __atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
    printf("read\n");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
