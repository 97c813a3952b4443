/* write.c: profiles by name, written to a descriptor.
 *
 * Owns    which profile a name means, and differences of two.
 * Locks   none.
 */
#include "prof/prof_int.h"

#include "io/io.h"

#include <gort/time.h>

#include <string.h>

/* ---- as it is */
PARKS static int write_custom(const char *name, int fd, int debug)
{
    struct prof_stack *s;
    size_t n;
    if (name == NULL || !prof_custom_take(name, &s, &n))
        return -ENOENT;
    return prof_write_counts(name, s, n, fd, debug);
}

static bool is(const char *name, const char *what)
{
    return name != NULL && strcmp(name, what) == 0;
}

PARKS static int write_one(const char *name, int fd, int debug)
{
    if (is(name, "heap") || is(name, "allocs"))
        return prof_write_heap(name[0] == 'h' ? PROF_HEAP : PROF_ALLOCS, fd, debug);
    if (is(name, "block") || is(name, "mutex"))
        return prof_write_block(name[0] == 'b' ? BUCKET_BLOCK : BUCKET_MUTEX, fd, debug);
    if (is(name, "goroutine"))
        return prof_write_goroutines(fd, debug);
    if (is(name, "goroutineleak"))
        return prof_write_leaks(fd, debug);
    if (is(name, "threadcreate"))
        return prof_write_threads(fd, debug);
    return write_custom(name, fd, debug);
}

int gort_pprof_write(const char *name, int fd, int debug)
{
    return (int)io_result(write_one(name, fd, debug));
}

int gort_pprof_write_heap_profile(int fd)
{
    return gort_pprof_write("heap", fd, 0);
}

/* ---- what is added meanwhile */
struct delta {
    struct pprof_head head;
    int (*add)(struct pprof *w, const struct delta *d, int times);
    enum bucket_kind kind;
    int (*take)(struct prof_stack **s, size_t *n);
};

static int add_heap(struct pprof *w, const struct delta *d, int times)
{
    (void)d;
    return prof_heap_add(w, times);
}

static int add_block(struct pprof *w, const struct delta *d, int times)
{
    return prof_block_add(w, d->kind, times);
}

static int add_counts(struct pprof *w, const struct delta *d, int times)
{
    struct prof_stack *s;
    size_t n;
    int r = d->take(&s, &n);
    const int64_t value = times;
    for (size_t i = 0; r == 0 && i < n; i++)
        pprof_sample(w, s[i].pcs, s[i].n, &value, s[i].labels, 0);
    return r;
}

static bool delta_of(struct delta *d, const char *name)
{
    if (is(name, "heap") || is(name, "allocs")) {
        prof_heap_head(&d->head, name[0] == 'h' ? PROF_HEAP : PROF_ALLOCS);
        d->add = add_heap;
    } else if (is(name, "block") || is(name, "mutex")) {
        prof_block_head(&d->head);
        d->kind = name[0] == 'b' ? BUCKET_BLOCK : BUCKET_MUTEX;
        d->add = add_block;
    } else if (is(name, "goroutine") || is(name, "threadcreate")) {
        prof_count_head(&d->head, name);
        d->take = name[0] == 'g' ? prof_take_goroutines : prof_take_threads;
        d->add = add_counts;
    }
    return d->add != NULL;
}

/* The same writer takes both: equal stacks are merged, and what did not change is left out. */
PARKS static int write_delta(const char *name, int fd, int64_t ns)
{
    struct delta d = {.add = NULL};
    if (name == NULL || gort_pprof_lookup(name) == NULL)
        return -ENOENT;
    if (ns <= 0 || !delta_of(&d, name))
        return -EINVAL;
    int64_t begun = os_nanotime();
    struct pprof *w = pprof_begin(&d.head);
    int r = d.add(w, &d, -1);
    if (r == 0) {
        gort_sleep(ns);
        pprof_set_time(w, os_walltime(), os_nanotime() - begun);
        r = d.add(w, &d, 1);
    }
    if (r != 0) {
        pprof_abandon(w);
        return r;
    }
    return pprof_end(w, fd);
}

int gort_pprof_write_delta(const char *name, int fd, int64_t ns)
{
    return (int)io_result(write_delta(name, fd, ns));
}
