/* A thread of the program's own has to be attached before it calls in. */
// exit: 2
// expect-re: ^fatal error: gort: this thread is not attached \(call gort_attach_thread first\)$
#include <gort.h>
#include <pthread.h>

static void *stranger(void *arg)
{
    gort_chan_recv(arg, NULL);
    return NULL;
}

static int run(int argc, char **argv)
{
    pthread_t t;
    (void)argc;
    (void)argv;
    pthread_create(&t, NULL, stranger, gort_make_chan(int, 1));
    pthread_join(t, NULL);
    return 0;
}
GORT_MAIN(run)
