/* Goroutines run, wait, end, are born where others ended, and have threads of their own, while two goroutines take
 * profiles: those that live all the time are in each profile once, whatever they do, and those that wait all
 * the time are where they wait. */
// limit: 120
// expect: as it should be
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAY = 500, MOVE = 40, CHAINS = 20, PROFILERS = 2, PROFILES = 15 };

static gort_chan *never;
static gort_waitgroup all;
static int staying, stop;
static gort_chan *ring[MOVE / 2];

static bool stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_RELAXED) != 0;
}

static __attribute__((noinline)) void stays(void)
{
    int v;
    __atomic_fetch_add(&staying, 1, __ATOMIC_RELAXED);
    gort_chan_recv(never, &v);
    gort_waitgroup_done(&all);
}

/* Pairs send each other numbers; each ends with a send and a receive that match. */
static void moves(int i)
{
    int v = 0;
    gort_chan *with = ring[i / 2];
    if (i % 8 == 0)
        gort_lock_os_thread();
    if (i % 2 == 0) {
        while (!stopped())
            gort_chan_send(with, &v);
        gort_chan_close(with);
    } else {
        while (gort_chan_recv(with, &v)) {
            if (i % 8 == 1) {
                gort_enter_syscall();
                (void)getppid();
                gort_exit_syscall();
            } else if (i % 8 == 3) {
                gort_gosched();
            }
        }
    }
    gort_waitgroup_done(&all);
}

static void link_of_chain(void)
{
    if (stopped())
        gort_waitgroup_done(&all);
    else
        gort_go(link_of_chain);
}

static void label(const char *key, int i)
{
    char value[20];
    snprintf(value, sizeof value, "%d", i);
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, key, value, NULL));
}

/* ---- what a profile says */
struct seen {
    int total, sum, stay, move[MOVE], chain[CHAINS];
};

/* A record is `N @ pcs`, perhaps `# labels: {"move":"3"}`, and its calls. */
static void read_profile(FILE *f, struct seen *s)
{
    static __thread char line[4096];
    int n = 0, i;
    memset(s, 0, sizeof *s);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "goroutine profile: total %d", &i) == 1) {
            s->total = i;
        } else if (strstr(line, " @") != NULL) {
            n = atoi(line);
            s->sum += n;
        } else if (sscanf(line, "# labels: {\"move\":\"%d\"}", &i) == 1 && i < MOVE) {
            s->move[i] += n;
        } else if (sscanf(line, "# labels: {\"chain\":\"%d\"}", &i) == 1 && i < CHAINS) {
            s->chain[i] += n;
        } else if (strstr(line, "stays+0x") != NULL) {
            s->stay += n;
        }
    }
}

static void wrong(const char *what, int i, int n)
{
    printf("%s %d: %d\n", what, i, n);
    exit(1);
}

static void check(const struct seen *s)
{
    if (s->total != s->sum)
        wrong("the sum is", s->sum, s->total);
    if (s->stay != STAY)
        wrong("stay", 0, s->stay);
    for (int i = 0; i < MOVE; i++)
        if (s->move[i] != 1)
            wrong("move", i, s->move[i]);
    for (int i = 0; i < CHAINS; i++)
        if (s->chain[i] < 1) /* each link makes the next before it ends */
            wrong("chain", i, s->chain[i]);
}

static void takes_profiles(gort_chan *finished)
{
    struct seen s;
    int yes = 1;
    for (int i = 0; i < PROFILES; i++) {
        FILE *f = tmpfile();
        if (f == NULL || gort_pprof_write("goroutine", fileno(f), 1) != 0) {
            perror("profile");
            exit(1);
        }
        rewind(f);
        read_profile(f, &s);
        fclose(f);
        check(&s);
    }
    gort_chan_send(finished, &yes);
}

static int run(int argc, char **argv)
{
    int v;
    (void)argc;
    (void)argv;
    never = gort_make_chan(int, 0);
    gort_chan *finished = gort_make_chan(int, PROFILERS);
    gort_waitgroup_add(&all, STAY + MOVE + CHAINS);
    for (int i = 0; i < MOVE / 2; i++)
        ring[i] = gort_make_chan(int, 0);
    for (int i = 0; i < STAY; i++)
        gort_go(stays);
    while (__atomic_load_n(&staying, __ATOMIC_RELAXED) < STAY)
        gort_gosched();
    for (int i = 0; i < MOVE; i++) {
        label("move", i);
        gort_go(moves, i);
    }
    for (int i = 0; i < CHAINS; i++) {
        label("chain", i);
        gort_go(link_of_chain);
    }
    gort_pprof_set_goroutine_labels(NULL);
    for (int i = 0; i < PROFILERS; i++)
        gort_go(takes_profiles, finished);
    for (int i = 0; i < PROFILERS; i++)
        gort_chan_recv(finished, &v);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    gort_chan_close(never);
    gort_waitgroup_wait(&all);
    printf("as it should be\n");
    return 0;
}
GORT_MAIN(run)
