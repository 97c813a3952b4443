/* The profile of thread creation has a record of each thread of the runtime's, with the goroutine that wanted
 * it where one did. */
// limit: 60
// no-fault: open_file
// expect: a thread for each
// expect: some are known to be wanted
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 8, MAX = 1000 };

static int locked, go_on;

/* Each keeps its thread: the next needs another. */
static void keeps_its_thread(void)
{
    gort_lock_os_thread();
    __atomic_fetch_add(&locked, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&go_on, __ATOMIC_SEQ_CST) == 0)
        gort_gosched();
    gort_unlock_os_thread();
    __atomic_fetch_sub(&locked, 1, __ATOMIC_SEQ_CST);
}

static void start_all(void)
{
    for (int i = 0; i < N; i++)
        gort_go(keeps_its_thread);
    while (__atomic_load_n(&locked, __ATOMIC_SEQ_CST) < N)
        gort_gosched();
}

static void end_all(void)
{
    __atomic_store_n(&go_on, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&locked, __ATOMIC_SEQ_CST) > 0)
        gort_gosched();
    __atomic_store_n(&go_on, 0, __ATOMIC_SEQ_CST);
}

static const char *profile(void)
{
    static char text[1 << 16];
    FILE *f = tmpfile();
    if (f == NULL || gort_pprof_write("threadcreate", fileno(f), 1) != 0) {
        perror("profile");
        exit(1);
    }
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static bool some_wanted(const char *text)
{
    return strstr(text, "keeps_its_thread+") != NULL || strstr(text, "start_all+") != NULL ||
           strstr(text, "run+") != NULL;
}

static int run(int argc, char **argv)
{
    static gort_stack_record r[MAX];
    const char *text;
    int n = 0, frames, empty = 0;
    (void)argc;
    (void)argv;
    gort_gomaxprocs(N);
    do {
        start_all();
        text = profile();
        if (!gort_thread_create_profile(r, MAX, &n))
            printf("%d threads\n", n);
        end_all();
    } while (!some_wanted(text));
    printf("%s\n", n > N ? "a thread for each" : "too few");
    for (int i = 0; i < n; i++) {
        (void)gort_stack_record_stack(&r[i], &frames);
        empty += frames == 0;
    }
    printf("%s\n", empty > 0 && empty < n ? "some are known to be wanted" : "wrong");
    if (gort_thread_create_profile(NULL, 0, &n) || n <= N)
        printf("%d threads\n", n);
    if (strncmp(text, "threadcreate profile: total ", 28) != 0 || atoi(text + 28) <= N)
        printf("%s", text);
    return 0;
}
GORT_MAIN(run)
