/* A goroutine reads a variable of a function of another goroutine, which has returned. */
// env: ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=0
// expect-re: ERROR: AddressSanitizer: stack-use-after-return
// expect-re: READ of size 4
// expect-re: #0 0x[0-9a-f]+ in reader
// exit: 1
#include <gort.h>

static gort_chan *c;
static int seen;

static void __attribute__((noinline)) local_of(gort_chan *to)
{
    volatile int local = 5;
    volatile int *p = &local;
    gort_chan_send(to, &p);
}

static void writer(void)
{
    gort_chan *for_ever = gort_chan_make(gort_typeof(long), 0);
    local_of(c);
    gort_chan_close(c);
    (void)gort_chan_recv(for_ever, NULL);
}

static void reader(void)
{
    volatile int *p = NULL;
    (void)gort_chan_recv(c, &p);
    while (gort_chan_recv(c, NULL)) /* until it is closed */
        continue;
    seen = *p;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    c = gort_chan_make(gort_typeof(uintptr_t), 0);
    gort_go(writer);
    reader();
    return seen;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
