/* A thread that was never attached cannot be detached; nor can a goroutine's. */
// exit: 2
// expect-re: ^fatal error: gort: this thread is not attached \(call gort_attach_thread first\)$
#include <gort.h>
#include <pthread.h>

static void *stranger(void *arg)
{
    gort_detach_thread();
    return arg;
}

static int run(int argc, char **argv)
{
    pthread_t t;
    (void)argc;
    (void)argv;
    pthread_create(&t, NULL, stranger, NULL);
    pthread_join(t, NULL);
    return 0;
}
GORT_MAIN(run)
