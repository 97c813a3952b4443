/* Functions for foreign frames that misbehave: a buffer full of rubbish, an answer that never ends, texts that are
 * missing, huge or full of control characters, lines beyond any file. What they say is bounded; all files are
 * whole, and are read back. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// limit: 60
// skip-on: tsan
// expect: cpu: bounded
// expect: goroutine: bounded
// expect: text: bounded
// expect: stack: bounded
// expect: callers: bounded
#include "await.h"
#include "foreign_frames.h"
#include "pprof_reader.h"

#include <fcntl.h>
#include <time.h>

/* Twice what is asked for, and as many calls to each pc. */
enum { PCS_MAX = 32, CALLS_MAX = 16, TEXT_MAX = 1000 };

static volatile uint64_t sink;
static char huge[1 << 20];
static gort_chan *c;

static void rubbish(struct gort_cgo_traceback_arg *arg)
{
    for (uintptr_t i = 0; i < arg->max; i++)
        arg->buf[i] = i % 4 == 0   ? (uintptr_t)jit_code + i
                      : i % 4 == 1 ? i
                      : i % 4 == 2 ? UINTPTR_MAX - 1 - i
                                   : UINTPTR_MAX / 3 * i;
    arg->buf = NULL;
    arg->max = UINTPTR_MAX;
}

static void endless(struct gort_cgo_symbolizer_arg *arg)
{
    arg->func = arg->pc % 3 == 0 ? NULL : huge;
    arg->file = arg->pc % 3 == 1 ? NULL : huge;
    arg->lineno = UINTPTR_MAX;
    arg->entry = arg->pc + 1;
    arg->more = 1;
}

static void record(struct gort_cgo_context_arg *arg)
{
    arg->context = UINTPTR_MAX;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}
static void leaf_cpu(void *unused)
{
    int64_t until = cpu_ns() + 200 * INT64_C(1000000);
    (void)unused;
    while (cpu_ns() < until)
        for (unsigned i = 0; i < 100000; i++)
            sink += i;
}
static void leaf_wait(void *unused)
{
    (void)unused;
    gort_chan_recv(c, NULL);
    __asm__ volatile("" ::: "memory");
}

/* All of it is there, the goroutine's function outermost, and no more than was to be. */
static void check(const char *what, const char *path, const char *leaf, const char *last)
{
    struct pprof_file *p = pprof_read(path);
    struct pprof_calls s = {.n = 0};
    bool good = false;
    for (size_t k = 0; k < p->samples; k++) {
        s = pprof_calls(p, k);
        if (!pprof_has(&s, leaf))
            continue;
        unsigned said = 0;
        good = strcmp(s.call[s.n - 1], last) == 0;
        for (unsigned i = 0; i < s.n; i++) {
            said += s.call[i][0] == '?' || strcmp(s.call[i], "non-Go function") == 0;
            good = good && strlen(s.call[i]) <= TEXT_MAX && strchr(s.call[i], '\n') == NULL;
        }
        good = good && said >= PCS_MAX / 2 && said <= (PCS_MAX + 1) * CALLS_MAX;
        if (!good) {
            printf("%u of %u calls\n", said, s.n);
            break;
        }
    }
    printf("%s: %s\n", what, good ? "bounded" : "wrong");
}

static void waiter(gort_waitgroup *done)
{
    js_run(leaf_wait, NULL);
    gort_waitgroup_done(done);
}

/* The longest line. */
static size_t longest(const char *text)
{
    size_t most = 0;
    for (const char *end; *text != '\0'; text = *end != '\0' ? end + 1 : end) {
        end = strchrnul(text, '\n');
        most = (size_t)(end - text) > most ? (size_t)(end - text) : most;
    }
    return most;
}

static void as_text(const char *path)
{
    static char all[8 << 20];
    int fd = open(path, O_RDWR | O_TRUNC);
    if (gort_pprof_write("goroutine", fd, 1) != 0)
        perror("text");
    ssize_t n = pread(fd, all, sizeof all - 1, 0);
    all[n > 0 ? n : 0] = '\0';
    printf("text: %s\n", n > 0 && strstr(all, "waiter") != NULL && longest(all) < 4 * TEXT_MAX
                             ? "bounded"
                             : "wrong");
    close(fd);
    all[gort_stack(all, sizeof all - 1, true)] = '\0';
    printf("stack: %s\n",
           strstr(all, "waiter()\n") != NULL && longest(all) < 4 * TEXT_MAX ? "bounded" : "wrong");
}

static void leaf_callers(void *unused)
{
    uintptr_t pcs[256];
    gort_frame f;
    bool good = true, more = true;
    int n = gort_callers(1, pcs, 256), calls = 0;
    (void)unused;
    gort_frames *frames = gort_callers_frames(pcs, n);
    for (; more; calls++) {
        more = gort_frames_next(frames, &f);
        good =
            good && strlen(f.function) <= TEXT_MAX && strlen(f.file) < 4 * TEXT_MAX && f.line >= 0;
    }
    good = good && strcmp(f.function, "run") == 0 && calls <= (PCS_MAX + 8) * CALLS_MAX;
    printf("callers: %s\n", good ? "bounded" : "wrong");
}

static int run(int argc, char **argv)
{
    char path[32];
    gort_waitgroup done = {0};
    (void)argc, (void)argv;
    int fd = pprof_temporary(path);
    memset(huge, '\n', sizeof huge - 1);
    c = gort_make_chan(int, 0);
    js_code = jit_make(jit_without_frame, sizeof jit_without_frame);
    gort_set_cgo_traceback(0, (void *)rubbish, (void *)record, (void *)endless);
    if (gort_pprof_start_cpu_profile(fd) != 0)
        perror("start");
    js_run(leaf_cpu, NULL);
    if (gort_pprof_stop_cpu_profile() != 0)
        perror("stop");
    check("cpu", path, "leaf_cpu", "run");
    gort_waitgroup_add(&done, 1);
    gort_go(waiter, &done);
    await("[syscall]:\ngort_chan_recv()", 1); /* a wait within the foreign call */
    close(fd);
    fd = open(path, O_WRONLY | O_TRUNC);
    if (gort_pprof_write("goroutine", fd, 0) != 0)
        perror("write");
    check("goroutine", path, "leaf_wait", "waiter");
    as_text(path);
    js_run(leaf_callers, NULL);
    gort_chan_send(c, &(int){1});
    gort_waitgroup_wait(&done);
    close(fd);
    unlink(path);
    return 0;
}

GORT_MAIN(run)
