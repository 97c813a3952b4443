/* A program with goroutines in all kinds of places, for a debugger to look at. With an argument it crashes. */
#include <gort.h>

#include <string.h>
#include <unistd.h>

typedef struct {
    int x, y;
} point;
GORT_TYPE_NOSCAN(point);

gort_chan *nobody_sends, *half_full;
gort_any boxed, nothing, words;
volatile int go_on = 1;
volatile int computing;

static __attribute__((noinline)) int deeper(int depth)
{
    int got = 0;
    if (depth > 0)
        got = deeper(depth - 1);
    else
        gort_chan_recv(nobody_sends, &got);
    return got + depth;
}

static void waiter(int marker)
{
    int sum = deeper(2) + marker;
    gort_keep_alive(&sum);
}

static void sleeper(void)
{
    gort_sleep(1000000 * 1000000ll);
    computing = 2;
}

static void computer(void)
{
    computing = 1;
    while (go_on)
        ;
    computing = 3;
}

static void reader(int fd)
{
    char byte;
    gort_read(fd, &byte, 1);
    computing = (int)byte;
}

/* Each of the others is where it stays. */
static bool all_are_there(void)
{
    static char text[1 << 16];
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    return computing != 0 && strstr(text, "[chan receive") != NULL &&
           strstr(text, "[sleep") != NULL && strstr(text, "[IO wait") != NULL;
}

__attribute__((noinline)) void all_is_set(void)
{
    __asm__ volatile("");
}

/* On the thread's own stack, which lies above the goroutine's: goroutine 1 begins on the first thread. */
static __attribute__((noinline)) void foreign(void *unused)
{
    (void)unused;
    __asm__ volatile("");
}

static int run(int argc, char **argv)
{
    int pipes[2], one = 7, two = 8;
    (void)argv;
    gort_cgocall(foreign, NULL);
    if (pipe(pipes) != 0)
        return 1;
    nobody_sends = gort_make_chan(int, 0);
    half_full = gort_make_chan(int, 4);
    gort_chan_send(half_full, &one);
    gort_chan_send(half_full, &two);
    boxed = gort_box(int, 42);
    words = gort_any_string("hello");
    gort_go(waiter, 100);
    gort_go(sleeper);
    gort_go(computer);
    gort_go(reader, pipes[0]);
    while (!all_are_there())
        gort_gosched();
    all_is_set();
    if (argc > 1)
        __builtin_trap();
    go_on = 0;
    return 0;
}

GORT_MAIN(run)
