/* The goroutine profile knows where a goroutine is, whatever it does: waits, computes, sleeps in a call that
 * it announced or not, is in a foreign call, has not run yet, or is a thread of the program's. */
// limit: 60
// skip-on: tsan
// no-fault: open_file
// expect: all are found
// expect: labelled
// expect: the caller is first
// expect: in full
#include <gort.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static int stop, ends[2];
static gort_chan *never;
static gort_waitgroup wg;
static volatile uint64_t sink;

static bool stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_RELAXED) != 0;
}

static NOINLINE void waits_for_channel(void)
{
    int v;
    gort_chan_recv(never, &v);
    gort_waitgroup_done(&wg);
}

static NOINLINE void computes(void)
{
    while (!stopped())
        sink++;
    gort_waitgroup_done(&wg);
}

static NOINLINE void reads_silently(void)
{
    char c;
    if (read(ends[0], &c, 1) != 1) {
        perror("read");
        exit(1);
    }
    gort_waitgroup_done(&wg);
}

static NOINLINE void reads_announced(void)
{
    char c;
    gort_enter_syscall();
    ssize_t n = read(ends[0], &c, 1);
    gort_exit_syscall();
    if (n != 1) {
        perror("read");
        exit(1);
    }
    gort_waitgroup_done(&wg);
}

static void foreign(void *arg)
{
    char c;
    (void)arg;
    if (read(ends[0], &c, 1) != 1) {
        perror("read");
        exit(1);
    }
}
static NOINLINE void is_in_foreign_call(void)
{
    gort_cgocall(foreign, NULL);
    gort_waitgroup_done(&wg);
}

static NOINLINE void *is_a_thread(void *arg)
{
    char c;
    gort_attach_thread();
    gort_waitgroup_done(&wg);
    if (read(ends[0], &c, 1) != 1) {
        perror("read");
        exit(1);
    }
    gort_detach_thread();
    return arg;
}

static char text[1 << 16];

/* The profile as text. */
static void write_profile(int debug)
{
    FILE *f = tmpfile();
    if (f == NULL || gort_pprof_write("goroutine", fileno(f), debug) != 0) {
        perror("profile");
        exit(1);
    }
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
}

static bool found_all(void)
{
    static const char *const names[] = {"waits_for_channel+",  "computes+",
                                        "reads_silently+",     "reads_announced+",
                                        "is_in_foreign_call+", "is_a_thread+"};
    write_profile(1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(text, names[i]) == NULL)
            return false;
    return true;
}

/* The caller's record begins with the function it called. */
static NOINLINE bool caller_is_first(void)
{
    gort_stack_record r[100];
    int n, frames;
    if (!gort_goroutine_profile(r, 100, &n) || n != gort_num_goroutine())
        return false;
    const uintptr_t *pcs = gort_stack_record_stack(&r[0], &frames);
    return frames >= 2 && pcs[1] > (uintptr_t)caller_is_first &&
           pcs[1] < (uintptr_t)caller_is_first + 300;
}

static int run(int argc, char **argv)
{
    pthread_t t;
    int n;
    (void)argc;
    (void)argv;
    never = gort_make_chan(int, 0);
    if (pipe(ends) != 0) {
        perror("pipe");
        exit(1);
    }
    /* An emulator says that there are no threads: a program that waits for one would be called deadlocked. */
    (void)gort_after(3600 * GORT_SECOND);
    gort_waitgroup_add(&wg, 1);
    pthread_create(&t, NULL, is_a_thread, NULL);
    gort_waitgroup_wait(&wg);
    gort_waitgroup_add(&wg, 5);
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "wait", "for \"it\"", NULL));
    gort_go(waits_for_channel);
    gort_pprof_set_goroutine_labels(NULL);
    gort_go(computes);
    gort_go(reads_silently);
    gort_go(reads_announced);
    gort_go(is_in_foreign_call);
    while (!found_all())
        gort_gosched();
    printf("all are found\n");
    const char *label = strstr(text, "# labels: {\"wait\":\"for \\\"it\\\"\"}");
    const char *where = strstr(text, "waits_for_channel+");
    printf("%s\n", label != NULL && label < where && where - label < 400 ? "labelled" : text);
    printf("%s\n", caller_is_first() ? "the caller is first" : "another is first");
    if (gort_goroutine_profile(NULL, 0, &n) || n != gort_num_goroutine())
        printf("%d goroutines\n", n);
    write_profile(2);
    printf("%s\n", strncmp(text, "goroutine 1 [running]:\n", 23) == 0 &&
                           strstr(text, "waits_for_channel(") != NULL
                       ? "in full"
                       : text);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    if (write(ends[1], "1234", 4) != 4) {
        perror("write");
        exit(1);
    }
    gort_chan_close(never);
    pthread_join(t, NULL);
    gort_waitgroup_wait(&wg);
    return 0;
}
GORT_MAIN(run)
