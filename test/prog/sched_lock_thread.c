/* Locking nests; a locked goroutine stays on its thread, nobody else runs there, and the thread ends
 * with it. */
// env: GOMAXPROCS=4
// expect: same thread: 1, nobody else there: 1
// expect: threads ended: 1
#include <gort.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long owner;
static atomic_int same = 1, intruded, done;

static void other(void)
{
    for (int i = 0; i < 200; i++) {
        if (syscall(SYS_gettid) == owner)
            intruded = 1;
        gort_gosched();
    }
}

static void locked(gort_chan *c)
{
    gort_lock_os_thread();
    gort_lock_os_thread();
    gort_unlock_os_thread();
    owner = syscall(SYS_gettid);
    for (int i = 0; i < 200; i++) {
        gort_gosched();
        same &= syscall(SYS_gettid) == owner;
    }
    gort_chan_send(c, &(int){1});
    owner = 0;
    done++;
}

static int count_threads(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static int run(int argc, char **argv)
{
    gort_chan *c = gort_make_chan(int, 0);
    (void)argc;
    (void)argv;
    gort_unlock_os_thread(); /* once too often: nothing */
    for (int i = 0; i < 4; i++)
        gort_go(other);
    gort_go(locked, c);
    gort_chan_recv(c, NULL);
    printf("same thread: %d, nobody else there: %d\n", same, !intruded);
    for (int i = 0; i < 50; i++) {
        gort_go(locked, c);
        gort_chan_recv(c, NULL);
    }
    while (done < 51 || count_threads() > 20)
        gort_sleep(1000000);
    puts("threads ended: 1");
    return 0;
}
GORT_MAIN(run)
