/* heap_file.c: the memory profile, written.
 *
 * Owns    estimates of the whole from samples: an object of `size` bytes is sampled with probability
 *         1 - exp(-size / rate), so each that is stands for the inverse of that.
 * Locks   none; records are taken first, names are found later.
 */
#include "prof/prof_int.h"

#include "os/os.h"

#include <gort/mem.h>
#include <gort/prof.h>

#include <errno.h>
#include <math.h>
#include <sys/resource.h>

struct heap_file {
    struct prof_heap_record *r;
    size_t n, cap;
    int rate;
    gort_mem_stats stats;
    struct pbuf out;
};

static int take(struct heap_file *f)
{
    const struct bucket *newest = bucket_newest(BUCKET_HEAP);
    size_t n = 1;
    for (const struct bucket *b = newest; b != NULL; b = b->older)
        n++;
    f->rate = __atomic_load_n(&gort_mem_profile_rate, __ATOMIC_RELAXED);
    f->r = prof_table_room(NULL, &f->cap, n, sizeof f->r[0]);
    if (f->r == NULL)
        return -ENOMEM;
    f->n = prof_heap_take(newest, f->r);
    return 0;
}

/* ---- profile.proto */
void prof_heap_head(struct pprof_head *h, enum prof_heap_kind kind)
{
    *h = (struct pprof_head){
        .columns = {{"alloc_objects", "count"},
                    {"alloc_space", "bytes"},
                    {"inuse_objects", "count"},
                    {"inuse_space", "bytes"}},
        .ncolumns = 4,
        .period = {"space", "bytes"},
        .period_value = __atomic_load_n(&gort_mem_profile_rate, __ATOMIC_RELAXED),
        .default_column = kind == PROF_ALLOCS ? "alloc_space" : "inuse_space",
        .time_ns = os_walltime(),
    };
}

static void estimate(uint64_t objects, size_t bytes, int rate, int times, int64_t *to)
{
    double scale = rate <= 1 || bytes == 0 ? 1 : 1 / (1 - exp(-(double)bytes / rate));
    to[0] = times * (int64_t)((double)objects * scale);
    to[1] = times * (int64_t)((double)objects * (double)bytes * scale);
}

int prof_heap_add(struct pprof *w, int times)
{
    struct heap_file f = {.n = 0};
    int r = take(&f);
    for (size_t i = 0; i < f.n; i++) {
        const struct bucket *b = f.r[i].b;
        struct heap_counts c = f.r[i].counts;
        int64_t values[4];
        estimate(c.allocs, b->bytes, f.rate, times, &values[0]);
        estimate(c.allocs - c.frees, b->bytes, f.rate, times, &values[2]);
        pprof_sample(w, b->pcs, b->n, values, NULL, (int64_t)b->bytes);
    }
    prof_table_free(f.r, f.cap, sizeof f.r[0]);
    return r;
}

PARKS static int write_proto(enum prof_heap_kind kind, int fd)
{
    struct pprof_head head;
    prof_heap_head(&head, kind);
    struct pprof *w = pprof_begin(&head);
    int r = prof_heap_add(w, 1);
    int ended = pprof_end(w, fd);
    return r != 0 ? r : ended;
}

/* ---- text */
static uint64_t inuse_bytes(const struct prof_heap_record *r)
{
    return (r->counts.allocs - r->counts.frees) * r->b->bytes;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = inuse_bytes(a), y = inuse_bytes(b);
    return x > y ? -1 : x < y;
}

/* `IO: IB [AO: AB] @` */
static void print_numbers(struct pbuf *b, const uint64_t n[4])
{
    pbuf_uint(b, n[0]);
    pbuf_str(b, ": ");
    pbuf_uint(b, n[1]);
    pbuf_str(b, " [");
    pbuf_uint(b, n[2]);
    pbuf_str(b, ": ");
    pbuf_uint(b, n[3]);
    pbuf_str(b, "] @");
}

static void add_numbers(uint64_t n[4], const struct prof_heap_record *r)
{
    n[0] += r->counts.allocs - r->counts.frees;
    n[1] += inuse_bytes(r);
    n[2] += r->counts.allocs;
    n[3] += r->counts.allocs * r->b->bytes;
}

static void print_records(struct heap_file *f)
{
    uint64_t sum[4] = {0};
    for (size_t i = 0; i < f->n; i++)
        add_numbers(sum, &f->r[i]);
    pbuf_str(&f->out, "heap profile: ");
    print_numbers(&f->out, sum);
    pbuf_str(&f->out, " heap/");
    pbuf_int(&f->out, 2 * (int64_t)f->rate);
    pbuf_char(&f->out, '\n');
    for (size_t i = 0; i < f->n; i++) {
        const struct prof_heap_record *r = &f->r[i];
        uint64_t n[4] = {0};
        if (r->counts.allocs == 0)
            continue; /* not published yet */
        add_numbers(n, r);
        print_numbers(&f->out, n);
        prof_text_pcs(&f->out, r->b->pcs, r->b->n);
        pbuf_char(&f->out, '\n');
        prof_text_stack(&f->out, r->b->pcs, r->b->n, PROF_WITHOUT_RUNTIME);
    }
}

static void print_one(struct pbuf *b, const char *name, uint64_t v)
{
    pbuf_str(b, "# ");
    pbuf_str(b, name);
    pbuf_str(b, " = ");
    pbuf_uint(b, v);
    pbuf_char(b, '\n');
}

static void print_two(struct pbuf *b, const char *name, uint64_t inuse, uint64_t sys)
{
    pbuf_str(b, "# ");
    pbuf_str(b, name);
    pbuf_str(b, " = ");
    pbuf_uint(b, inuse);
    pbuf_str(b, " / ");
    pbuf_uint(b, sys);
    pbuf_char(b, '\n');
}

static void print_ring(struct pbuf *b, const char *name, const uint64_t v[256])
{
    pbuf_str(b, "# ");
    pbuf_str(b, name);
    for (int i = 0; i < 256; i++) {
        pbuf_str(b, i == 0 ? " = [" : " ");
        pbuf_uint(b, v[i]);
    }
    pbuf_str(b, "]\n");
}

static uint64_t max_rss(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (uint64_t)u.ru_maxrss * 1024 : 0;
}

static void print_stats(struct pbuf *b, const gort_mem_stats *s)
{
    pbuf_str(b, "\n# runtime.MemStats\n");
    print_one(b, "Alloc", s->alloc);
    print_one(b, "TotalAlloc", s->total_alloc);
    print_one(b, "Sys", s->sys);
    print_one(b, "Lookups", s->lookups);
    print_one(b, "Mallocs", s->mallocs);
    print_one(b, "Frees", s->frees);
    print_one(b, "HeapAlloc", s->heap_alloc);
    print_one(b, "HeapSys", s->heap_sys);
    print_one(b, "HeapIdle", s->heap_idle);
    print_one(b, "HeapInuse", s->heap_inuse);
    print_one(b, "HeapReleased", s->heap_released);
    print_one(b, "HeapObjects", s->heap_objects);
    print_two(b, "Stack", s->stack_inuse, s->stack_sys);
    print_two(b, "MSpan", s->mspan_inuse, s->mspan_sys);
    print_two(b, "MCache", s->mcache_inuse, s->mcache_sys);
    print_one(b, "BuckHashSys", s->buck_hash_sys);
    print_one(b, "GCSys", s->gc_sys);
    print_one(b, "OtherSys", s->other_sys);
    print_one(b, "NextGC", s->next_gc);
    print_one(b, "LastGC", s->last_gc);
    print_ring(b, "PauseNs", s->pause_ns);
    print_ring(b, "PauseEnd", s->pause_end);
    print_one(b, "NumGC", s->num_gc);
    print_one(b, "NumForcedGC", s->num_forced_gc);
    pbuf_str(b, "# GCCPUFraction = ");
    prof_text_float(b, s->gc_cpu_fraction);
    pbuf_str(b, s->debug_gc ? "\n# DebugGC = true\n" : "\n# DebugGC = false\n");
    print_one(b, "MaxRSS", max_rss());
}

static void print_all(void *arg)
{
    struct heap_file *f = arg;
    f->out.failed = !prof_sort(f->r, f->n, sizeof f->r[0], compare);
    print_records(f);
    print_stats(&f->out, &f->stats);
}

PARKS static int write_text(int fd)
{
    struct heap_file f = {.n = 0};
    gort_read_mem_stats(&f.stats);
    int r = take(&f);
    if (r == 0) {
        prof_foreign(print_all, &f);
        r = prof_write_all(fd, &f.out);
    }
    pbuf_free(&f.out);
    prof_table_free(f.r, f.cap, sizeof f.r[0]);
    return r;
}

PARKS int prof_write_heap(enum prof_heap_kind kind, int fd, int debug)
{
    return debug > 0 ? write_text(fd) : write_proto(kind, fd);
}
