/* Memory of malloc's that only a goroutine's stack, and only an object of the collected heap, point to. */
// not: LeakSanitizer
// env: ASAN_OPTIONS=detect_leaks=1
#include <gort.h>

#include <stdlib.h>
#include <string.h>

static gort_chan *parked, *never;

/* Only this goroutine's stack knows it. */
static void hold(void)
{
    char *volatile p = malloc(100);
    strcpy(p, "held");
    gort_chan_send(parked, &(long){1});
    (void)gort_chan_recv(never, NULL);
    free(p);
}

/* Only an object on the collected heap, which the program's data does not point to, knows it. */
static void hold_in_object(void)
{
    void **volatile o = (void **)gort_new_array(uintptr_t, 8);
    o[3] = malloc(200);
    gort_chan_send(parked, &(long){1});
    (void)gort_chan_recv(never, NULL);
    free(o[3]);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    parked = gort_chan_make(gort_typeof(long), 0);
    never = gort_chan_make(gort_typeof(long), 0);
    gort_go(hold);
    gort_go(hold_in_object);
    (void)gort_chan_recv(parked, NULL);
    (void)gort_chan_recv(parked, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
