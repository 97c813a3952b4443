/* The only pointer to an object comes into the heap by a system call while marking runs. */
// env: GODEBUG=clobberfree=1
// expect: kept
// limit: 60
#include "keep.h"
#include <unistd.h>

enum { OBJECTS = 64, ROUNDS = 20 };

static _Atomic int stop;

/* Keeps the collector busy, and cycles coming. */
static void churn(gort_chan *done)
{
    while (!stop) {
        secret *s = NULL;
        for (int i = 0; i < 20000; i++) {
            secret *next = gort_alloc(sizeof *next);
            next->next = s;
            s = next;
        }
    }
    gort_chan_send(done, &(int){0});
}

/* Moves every pointer of `from` to `to` through a pipe: the kernel writes it there. */
static void move(const int ends[2], secret **from, secret **to)
{
    for (int i = 0; i < OBJECTS; i++) {
        if (write(ends[1], &from[i], sizeof from[i]) != sizeof from[i])
            perror("write");
        if (read(ends[0], &to[i], sizeof to[i]) != sizeof to[i])
            perror("read");
        from[i] = NULL; /* not before: while it is in the pipe only, nobody keeps the object */
        wipe_stack();
    }
}

static int run(int argc, char **argv)
{
    gort_chan *done = gort_make_chan(int, 0);
    secret **a = gort_alloc(OBJECTS * sizeof *a), **b = gort_alloc(OBJECTS * sizeof *b);
    int ends[2], kept = 0;
    (void)argc;
    (void)argv;
    if (pipe(ends) != 0)
        return 1;
    for (int i = 0; i < OBJECTS; i++)
        a[i] = secret_new("moved");
    gort_go(churn, done);
    for (int round = 0; round < ROUNDS; round++) {
        move(ends, a, b);
        gort_gosched();
        move(ends, b, a);
        gort_gosched();
    }
    stop = 1;
    gort_chan_recv(done, NULL);
    collect();
    for (int i = 0; i < OBJECTS; i++)
        kept += strcmp(a[i]->text, "moved") == 0;
    printf(kept == OBJECTS ? "kept\n" : "LOST %d\n", OBJECTS - kept);
    return 0;
}
GORT_MAIN(run)
