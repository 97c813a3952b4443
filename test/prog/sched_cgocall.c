/* A foreign call runs on a big stack, may block, may call back, and is counted. */
// env: GOMAXPROCS=1
// expect: called back 2, calls 2
#include <gort.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gort_chan *c;

static void big_and_slow(void *arg)
{
    char block[1024 * 1024];
    memset(block, 1, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
    usleep(1000);
    gort_chan_send(c, arg); /* parks: nobody receives yet */
}

static void call(int *v)
{
    gort_cgocall(big_and_slow, v);
}

static int run(int argc, char **argv)
{
    int one = 1, sum = 0, v;
    (void)argc;
    (void)argv;
    c = gort_make_chan(int, 0);
    gort_go(call, &one);
    gort_go(call, &one);
    for (int i = 0; i < 2; i++) {
        gort_chan_recv(c, &v);
        sum += v;
    }
    printf("called back %d, calls %d\n", sum, (int)gort_num_cgo_call());
    return 0;
}
GORT_MAIN(run)
