/* Foreign frames outside of foreign calls: on a goroutine's own stack, on a thread that the program attached, on one
 * that the runtime does not know. There the stack ends with what the program's function tells. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// env: GODEBUG=memprofilerate=1
// limit: 60
// Samples of a thread that the runtime does not know begin elsewhere under emulation: why, is not known.
// skip-on: tsan arm64
// expect: own stack: right
// expect: attached, waiting: right
// expect: stranger: right
#include "foreign_frames.h"
#include "pprof_reader.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#define LEAF static __attribute__((noinline)) void

static volatile uint64_t sink;
static void *volatile kept;
static gort_chan *c;
static char path[32];

LEAF leaf_heap(void *unused)
{
    (void)unused;
    kept = gort_alloc_noscan(3000);
    __asm__ volatile("" ::: "memory");
}
LEAF leaf_wait(void *unused)
{
    (void)unused;
    gort_chan_recv(c, NULL);
    __asm__ volatile("" ::: "memory");
}
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}
LEAF leaf_cpu(void *unused)
{
    int64_t until = cpu_ns() + 300 * INT64_C(1000000);
    (void)unused;
    while (cpu_ns() < until)
        for (unsigned i = 0; i < 100000; i++)
            sink += i;
}

static void *attached(void *unused)
{
    gort_attach_thread();
    js_foreign(&(struct js_call){leaf_wait, NULL});
    gort_detach_thread();
    return unused;
}
static void *stranger(void *unused)
{
    js_foreign(&(struct js_call){leaf_cpu, NULL});
    return unused;
}

/* All samples with the leaf end as they should, and there are some. */
static void check(const char *what, const char *leaf)
{
    static const char *const rest[] = {"js_callback", "js:inlined", "js:inner", "js:outer"};
    struct pprof_file *p = pprof_read(path);
    struct pprof_calls s = {.n = 0};
    bool right = false;
    for (size_t k = 0; k < p->samples; k++) {
        s = pprof_calls(p, k);
        unsigned i = 0;
        if (!pprof_has(&s, leaf))
            continue;
        if (strcmp(s.call[s.n - 1], "runtime._ExternalCode") == 0)
            s.n--;
        while (strcmp(s.call[i], leaf) != 0)
            i++;
        right = s.n == i + 1 + 4;
        for (unsigned r = 0; right && r < 4; r++)
            right = strcmp(s.call[i + 1 + r], rest[r]) == 0;
        if (!right)
            break;
    }
    printf("%s: %s\n", what, right ? "right" : "wrong");
    for (unsigned i = 0; !right && i < s.n; i++)
        printf("\t%s\n", s.call[i]);
}

static void check_written(const char *what, const char *name, const char *leaf)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    if (gort_pprof_write(name, fd, 0) != 0)
        perror(name);
    close(fd);
    check(what, leaf);
}

static int run(int argc, char **argv)
{
    pthread_t t;
    (void)argc, (void)argv;
    close(pprof_temporary(path));
    c = gort_make_chan(int, 0);
    js_set();
    js_foreign(&(struct js_call){leaf_heap, NULL});
    check_written("own stack", "heap", "leaf_heap");

    pthread_create(&t, NULL, attached, NULL);
    while (js_recorded == 0)
        gort_gosched();
    check_written("attached, waiting", "goroutine", "leaf_wait");
    gort_chan_send(c, &(int){1});
    gort_enter_syscall();
    pthread_join(t, NULL);
    gort_exit_syscall();

    int fd = open(path, O_WRONLY | O_TRUNC);
    if (gort_pprof_start_cpu_profile(fd) != 0)
        perror("start");
    pthread_create(&t, NULL, stranger, NULL);
    gort_enter_syscall();
    pthread_join(t, NULL);
    gort_exit_syscall();
    if (gort_pprof_stop_cpu_profile() != 0)
        perror("stop");
    close(fd);
    check("stranger", "leaf_cpu");
    unlink(path);
    return 0;
}

GORT_MAIN(run)
