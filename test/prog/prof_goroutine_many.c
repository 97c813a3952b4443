/* The profile of 100,000 goroutines, most of which end up in one line; those that end meanwhile, and collections,
 * do no harm. */
// limit: 120
// The emulator has no MADV_GUARD_INSTALL; guards by mprotect end where the kernel's count of mappings does.
// skip-on: arm64
// skip-on: tsan
// expect: 100001
// expect: one line of 100000
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 100000 };

static gort_chan *never;
static int waiting;

static __attribute__((noinline)) void wait_here(void)
{
    int v;
    __atomic_fetch_add(&waiting, 1, __ATOMIC_RELAXED);
    gort_chan_recv(never, &v);
}

static void come_and_go(int n)
{
    if (n > 0)
        gort_go(come_and_go, n - 1);
}

static int run(int argc, char **argv)
{
    static char text[1 << 16];
    int n;
    (void)argc;
    (void)argv;
    never = gort_make_chan(int, 0);
    for (int i = 0; i < N; i++)
        gort_go(wait_here);
    while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) < N)
        gort_gosched();
    for (int i = 0; i < 3; i++) { /* room for fewer, or just as many */
        gort_go(come_and_go, 1000);
        gort_stack_record *r = malloc((N + 500) * sizeof *r);
        if (gort_goroutine_profile(r, N + 500, &n) && n < N + 1)
            printf("%d\n", n);
        free(r);
        gort_gc();
    }
    while (gort_num_goroutine() > N + 1)
        gort_gosched();
    FILE *f = tmpfile();
    if (gort_pprof_write("goroutine", fileno(f), 1) != 0) {
        perror("profile");
        exit(1);
    }
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    printf("%d\n", atoi(text + strlen("goroutine profile: total ")));
    int most = 0;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        int count = atoi(line);
        most = count > most ? count : most;
    }
    printf("one line of %d\n", most);
    return 0;
}
GORT_MAIN(run)
