/* Foreign frames in all profiles: of a callback through code that no file describes. What our walk finds, what the
 * program's functions know, and the goroutine's own frames are one stack; the names are the program's. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// env: GODEBUG=memprofilerate=1
// limit: 60
// skip-on: tsan
// expect: cpu: right
// expect: asked in the handler
// expect: heap: right
// expect: block: right
// expect: mutex: right
// expect: goroutine: right
// expect: asked with a context
// expect: own: right
// expect: text: right
// expect: callers: right
// expect: from all: right
// expect: each record was dropped, each answer ended
#include "await.h"
#include "foreign_frames.h"
#include "pprof_reader.h"

#include <gort/prof.h>

#include <fcntl.h>
#include <time.h>

#define LEAF static __attribute__((noinline)) void

static volatile uint64_t sink;
static void *volatile kept;
static gort_mutex mutex;
static gort_chan *c;

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
LEAF leaf_heap(void *unused)
{
    (void)unused;
    kept = gort_alloc_noscan(3000);
    __asm__ volatile("" ::: "memory");
}
LEAF leaf_block(void *unused)
{
    (void)unused;
    gort_chan_recv(c, NULL);
    __asm__ volatile("" ::: "memory");
}
LEAF leaf_mutex(void *unused)
{
    (void)unused;
    gort_mutex_unlock(&mutex);
    __asm__ volatile("" ::: "memory");
}
LEAF leaf_own(void *profile)
{
    gort_pprof_add(profile, &kept, 0);
    __asm__ volatile("" ::: "memory");
}

struct list {
    int skip, n;
    uintptr_t pcs[64];
};
LEAF leaf_callers(void *list)
{
    struct list *l = list;
    l->n = gort_callers(l->skip, l->pcs, 64);
    __asm__ volatile("" ::: "memory");
}

/* Is it leaf, js_callback, js:inlined, js:inner, js:outer, gort_cgocall, js_run, ..., last? */
static bool is_right(const char *const *call, unsigned n, const char *leaf, const char *last)
{
    static const char *const rest[] = {"js_callback", "js:inlined",   "js:inner",
                                       "js:outer",    "gort_cgocall", "js_run"};
    unsigned i = 0;
    while (i < n && strcmp(call[i], leaf) != 0)
        i++;
    for (unsigned k = 0; k < sizeof rest / sizeof *rest; k++)
        if (++i >= n || strcmp(call[i], rest[k]) != 0)
            return false;
    return strcmp(call[n - 1], last) == 0;
}

static void say(const char *what, bool right, const struct pprof_calls *s)
{
    printf("%s: %s\n", what, right ? "right" : "wrong");
    for (unsigned i = 0; !right && i < s->n; i++)
        printf("\t%s\n", s->call[i]);
}

/* All samples of the leaf have the whole stack, and there are some. */
static void check(const char *what, const char *path, const char *leaf, const char *last)
{
    struct pprof_file *p = pprof_read(path);
    struct pprof_calls s = {.n = 0};
    bool right = false;
    for (size_t k = 0; k < p->samples; k++) {
        s = pprof_calls(p, k);
        if (!pprof_has(&s, leaf))
            continue;
        right = is_right(s.call, s.n, leaf, last);
        if (!right)
            break;
    }
    say(what, right, &s);
}

static char path[32];

static void check_written(const char *name, const char *leaf, const char *last)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    if (gort_pprof_write(name, fd, 0) != 0)
        perror(name);
    close(fd);
    check(name, path, leaf, last);
}

static void sender(void)
{
    gort_chan_send(c, &(int){1});
}
static void late_sender(void)
{
    while (!gort_chan_try_send(c, &(int){1})) /* until somebody waits */
        gort_gosched();
}
static void waits(gort_waitgroup *done)
{
    js_run(leaf_block, NULL);
    gort_waitgroup_done(done);
}
static void locker(gort_waitgroup *done)
{
    gort_mutex_lock(&mutex);
    gort_mutex_unlock(&mutex);
    gort_waitgroup_done(done);
}

static void cpu(void)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    if (gort_pprof_start_cpu_profile(fd) != 0)
        perror("start");
    js_run(leaf_cpu, NULL);
    if (gort_pprof_stop_cpu_profile() != 0)
        perror("stop");
    close(fd);
    check("cpu", path, "leaf_cpu", "run");
    printf("%s\n", js_in_handler > 0 ? "asked in the handler" : "not asked in the handler");
}

static void mutex_and_block(gort_waitgroup *done)
{
    gort_set_block_profile_rate(1);
    gort_set_mutex_profile_fraction(1);
    gort_go(late_sender);
    js_run(leaf_block, NULL);
    gort_mutex_lock(&mutex);
    gort_waitgroup_add(done, 1);
    gort_go(locker, done);
    await("[sync.Mutex.Lock]", 1);
    js_run(leaf_mutex, NULL);
    gort_waitgroup_wait(done);
    check_written("block", "leaf_block", "run");
    check_written("mutex", "leaf_mutex", "run");
}

/* The goroutine waits on another thread. */
static void goroutine(gort_waitgroup *done)
{
    gort_waitgroup_add(done, 1);
    int before = js_recorded;
    gort_go(waits, done);
    while (js_recorded == before)
        gort_gosched();
    js_with_context = 0;
    check_written("goroutine", "leaf_block", "waits");
    printf("%s\n", js_with_context > 0 ? "asked with a context" : "not asked with a context");
}

static void own(void)
{
    gort_pprof_profile *p = gort_pprof_new("own");
    js_run(leaf_own, p);
    check_written("own", "leaf_own", "run");
}

static void text(gort_waitgroup *done)
{
    static char all[1 << 16];
    int fd = open(path, O_RDWR | O_TRUNC);
    if (gort_pprof_write("goroutine", fd, 1) != 0)
        perror("text");
    ssize_t n = pread(fd, all, sizeof all - 1, 0);
    all[n > 0 ? n : 0] = '\0';
    char *inlined = strstr(all, "js:inlined+0x"), *outer = strstr(all, "js:outer+0x");
    bool right = inlined != NULL && outer > inlined && strstr(inlined, "foreign.js:3\n") != NULL &&
                 strstr(inlined, "foreign.js:7\n") != NULL &&
                 strstr(outer, "foreign.js:9\n") != NULL;
    printf("text: %s\n", right ? "right" : all);
    close(fd);
    sender();
    gort_waitgroup_wait(done);
}

static void callers(const char *what, int skip, const char *leaf)
{
    struct list l = {.skip = skip};
    struct pprof_calls s = {.n = 0};
    gort_frame f;
    js_run(leaf_callers, &l);
    gort_frames *frames = gort_callers_frames(l.pcs, l.n);
    for (bool more = l.n > 0; more && s.n < 64;) {
        more = gort_frames_next(frames, &f);
        s.call[s.n++] = f.function;
    }
    bool right = is_right(s.call, s.n, leaf, "run");
    say(what, right, &s);
}

static int run(int argc, char **argv)
{
    gort_waitgroup done = {0};
    (void)argc, (void)argv;
    close(pprof_temporary(path));
    c = gort_make_chan(int, 0);
    js_set();
    cpu();
    js_run(leaf_heap, NULL);
    check_written("heap", "leaf_heap", "run");
    mutex_and_block(&done);
    goroutine(&done);
    own();
    text(&done);
    callers("callers", 1, "leaf_callers");
    callers("from all", 0, "leaf_callers");
    bool good = js_recorded > 1 && js_dropped == js_recorded && js_ended > 0;
    printf("%s\n", good ? "each record was dropped, each answer ended" : "something was lost");
    unlink(path);
    return 0;
}

GORT_MAIN(run)
