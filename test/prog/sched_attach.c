/* Threads that the program made use channels, mutexes and gort_go like goroutines do. */
// expect: sum 4950, attached twice: 0
#include <gort.h>
#include <pthread.h>
#include <stdio.h>

static gort_chan *c;

static void send_one(int v)
{
    gort_chan_send(c, &v);
}

static void *stranger(void *arg)
{
    int *twice = arg;
    gort_attach_thread();
    *twice += gort_attach_thread();
    for (int i = 0; i < 50; i++)
        gort_chan_send(c, &i);
    gort_go(send_one, 1000);
    gort_detach_thread();
    gort_attach_thread();
    for (int i = 50; i < 100; i++)
        gort_chan_send(c, &i);
    gort_detach_thread();
    return NULL;
}

static void *without_goroutine(void *arg)
{
    gort_attach_thread();
    gort_chan_recv(c, arg);
    gort_detach_thread();
    return NULL;
}

#ifdef __aarch64__
/* The emulator says that a process has 0 threads, and one whose own threads will yet do something is then
 * taken for deadlocked, unless a timer is due. */
static void stay_awake(void)
{
    for (;;)
        gort_sleep(1000000000);
}
#endif

static int run(int argc, char **argv)
{
    pthread_t t;
    int sum = 0, twice = 0, v;
    (void)argc;
    (void)argv;
    c = gort_make_chan(int, 0);
#ifdef __aarch64__
    gort_go(stay_awake);
#endif
    pthread_create(&t, NULL, stranger, &twice);
    for (int i = 0; i < 101; i++) {
        gort_chan_recv(c, &v);
        if (v != 1000)
            sum += v;
    }
    pthread_join(t, NULL);
    pthread_create(&t, NULL, without_goroutine, &v);
    gort_chan_send(c, &(int){5});
    pthread_join(t, NULL);
    printf("sum %d, attached twice: %d\n", sum, twice);
    return v != 5;
}
GORT_MAIN(run)
