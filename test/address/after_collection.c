/* An object that nothing points to but a number that is no pointer. */
// expect: collected
// expect-re: ERROR: AddressSanitizer: use-after-poison
// expect-re: READ of size 8
// expect-re: #0 0x[0-9a-f]+ in read_hidden
// exit: 1
#include <gort.h>

#include <stdio.h>

#define KEY ((uintptr_t)0x5555555555555555)

static uintptr_t hidden;
static gort_chan *died;

static void say(void *arg)
{
    (void)arg;
    gort_chan_close(died);
}

static void make(void)
{
    long *p = gort_new_array(long, 20);
    p[7] = 5;
    gort_add_cleanup(p, say, NULL);
    hidden = (uintptr_t)p ^ KEY;
}

static long __attribute__((noinline)) read_hidden(void)
{
    return ((volatile long *)(hidden ^ KEY))[7];
}

static int run(int argc, char **argv)
{
    bool closed = false;
    (void)argc, (void)argv;
    died = gort_chan_make(gort_typeof(long), 0);
    gort_go(make); /* its stack is gone with it */
    while (!closed) {
        gort_sleep(1000);
        gort_gc();
        closed = gort_chan_try_recv(died, NULL, NULL);
    }
    puts("collected");
    fflush(stdout);
    return (int)read_hidden();
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
