/* write.c: profiles by name, written to a descriptor.
 *
 * Owns    which profile a name means, and differences of two.
 * Locks   none.
 */
#include "prof/prof_int.h"

#include "io/io.h"

#include <gort/mem.h>
#include <gort/time.h>

#include <errno.h>
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
struct gort_pprof_delta {
    struct delta d;
    struct pprof *w;
    int64_t begun;
};

/* 0, or -errno. */
PARKS static int delta_begin(struct gort_pprof_delta *x, const char *name)
{
    *x = (struct gort_pprof_delta){.w = NULL};
    if (name == NULL || gort_pprof_lookup(name) == NULL)
        return -ENOENT;
    if (!delta_of(&x->d, name))
        return -EINVAL;
    x->begun = os_nanotime();
    x->w = pprof_begin(&x->d.head);
    int r = x->d.add(x->w, &x->d, -1);
    if (r != 0)
        pprof_abandon(x->w);
    return r;
}

PARKS static int delta_end(struct gort_pprof_delta *x, int fd)
{
    struct pprof *w = x->w;
    x->w = NULL;
    pprof_set_time(w, os_walltime(), os_nanotime() - x->begun);
    int r = fd >= 0 ? x->d.add(w, &x->d, 1) : 0;
    if (r == 0 && fd >= 0)
        return pprof_end(w, fd);
    pprof_abandon(w);
    return r;
}

gort_pprof_delta *gort_pprof_delta_begin(const char *name)
{
    gort_pprof_delta *x = gort_alloc(sizeof *x);
    return io_result(delta_begin(x, name)) == 0 ? x : NULL;
}

int gort_pprof_delta_end(gort_pprof_delta *x, int fd)
{
    if (x == NULL || !x->d.add || x->begun == 0)
        return (int)io_result(-EINVAL);
    int r = delta_end(x, fd);
    x->begun = 0;
    return (int)io_result(r);
}

PARKS static int write_delta(const char *name, int fd, int64_t ns)
{
    struct gort_pprof_delta x;
    if (ns <= 0)
        return name != NULL && gort_pprof_lookup(name) != NULL ? -EINVAL : -ENOENT;
    int r = delta_begin(&x, name);
    if (r != 0)
        return r;
    gort_sleep(ns);
    return delta_end(&x, fd);
}

int gort_pprof_write_delta(const char *name, int fd, int64_t ns)
{
    return (int)io_result(write_delta(name, fd, ns));
}
