/* The documentation's example: a descriptor is closed when its owner is forgotten. */
// expect: closed
#include <gort.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    int fd;
} file;
GORT_TYPE_NOSCAN(file)

static _Atomic int opened, closed;

static void file_close(void *obj)
{
    if (close(((file *)obj)->fd) == 0)
        closed++;
}

static void use_file(void)
{
    for (int i = 0; i < 64; i++) { /* the last block of small objects stays in use */
        file *f = gort_new(file);
        f->fd = open("/dev/null", O_RDONLY);
        opened += f->fd >= 0;
        gort_set_finalizer(f, file_close);
        char c;
        (void)!read(f->fd, &c, 1);
        gort_keep_alive(f);
    }
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(use_file);
    while (gort_num_goroutine() > 1)
        gort_gosched();
    while (closed < opened - 8) {
        gort_gc();
        gort_sleep(1000000);
    }
    puts("closed");
    return 0;
}

GORT_MAIN(run)
