/* block_file.c: the block and the mutex profile, written.
 *
 * Locks   none; records are taken first, names are found later.
 */
#include "prof/prof_int.h"

#include "os/os.h"

#include <gort/prof.h>

#include <errno.h>

struct block_file {
    enum bucket_kind kind;
    struct prof_block_record *r;
    size_t n, cap;
    int period;    /* of BUCKET_MUTEX: one unlock in so many was sampled */
    int64_t scale; /* text: numbers are divided by it */
    int64_t per_second;
    struct pbuf out;
};

static int take(struct block_file *f)
{
    const struct bucket *newest = bucket_newest(f->kind);
    size_t n = 1;
    for (const struct bucket *b = newest; b != NULL; b = b->older)
        n++;
    f->r = prof_table_room(NULL, &f->cap, n, sizeof f->r[0]);
    if (f->r == NULL)
        return -ENOMEM;
    f->n = prof_block_take(f->kind, newest, f->r);
    f->per_second = prof_ticks_per_second();
    return 0;
}

static int64_t whole(double count)
{
    return count < 1 ? 1 : (int64_t)count;
}

/* ---- profile.proto */
void prof_block_head(struct pprof_head *h)
{
    *h = (struct pprof_head){
        .columns = {{"contentions", "count"}, {"delay", "nanoseconds"}},
        .ncolumns = 2,
        .period = {"contentions", "count"},
        .period_value = 1,
        .time_ns = os_walltime(),
        .plain_runtime = true,
    };
}

int prof_block_add(struct pprof *w, enum bucket_kind kind, int times)
{
    struct block_file f = {.kind = kind};
    int r = take(&f);
    for (size_t i = 0; i < f.n; i++) {
        const struct bucket *b = f.r[i].b;
        double ns = (double)f.r[i].cycles / ((double)f.per_second / 1e9);
        const int64_t values[] = {times * whole(f.r[i].count), times * (int64_t)ns};
        pprof_sample(w, b->pcs, b->n, values, NULL, 0);
    }
    prof_table_free(f.r, f.cap, sizeof f.r[0]);
    return r;
}

PARKS static int write_proto(enum bucket_kind kind, int fd)
{
    struct pprof_head head;
    prof_block_head(&head);
    struct pprof *w = pprof_begin(&head);
    int r = prof_block_add(w, kind, 1);
    int ended = pprof_end(w, fd);
    return r != 0 ? r : ended;
}

/* ---- text */
static int compare(const void *a, const void *b)
{
    const struct prof_block_record *x = a, *y = b;
    return x->cycles > y->cycles ? -1 : x->cycles < y->cycles;
}

static void print_all(void *arg)
{
    struct block_file *f = arg;
    f->out.failed = !prof_sort(f->r, f->n, sizeof f->r[0], compare);
    pbuf_str(&f->out, f->kind == BUCKET_MUTEX ? "--- mutex:\n" : "--- contention:\n");
    pbuf_str(&f->out, "cycles/second=");
    pbuf_int(&f->out, f->per_second);
    pbuf_char(&f->out, '\n');
    if (f->kind == BUCKET_MUTEX) {
        pbuf_str(&f->out, "sampling period=");
        pbuf_int(&f->out, f->period);
        pbuf_char(&f->out, '\n');
    }
    for (size_t i = 0; i < f->n; i++) {
        pbuf_int(&f->out, f->r[i].cycles / f->scale);
        pbuf_char(&f->out, ' ');
        pbuf_int(&f->out, whole(f->r[i].count / (double)f->scale));
        pbuf_str(&f->out, " @");
        prof_text_pcs(&f->out, f->r[i].b->pcs, f->r[i].b->n);
        pbuf_char(&f->out, '\n');
        prof_text_stack(&f->out, f->r[i].b->pcs, f->r[i].b->n, PROF_PLAIN_RUNTIME);
    }
}

/* pprof multiplies what it reads of a mutex profile by its sampling period; so the text says how much was
 * sampled, although it is kept multiplied. */
PARKS static int write_text(enum bucket_kind kind, int fd)
{
    struct block_file f = {.kind = kind, .scale = 1};
    int r = take(&f);
    f.period = gort_set_mutex_profile_fraction(-1);
    if (kind == BUCKET_MUTEX && f.period > 1)
        f.scale = f.period;
    if (r == 0) {
        prof_foreign(print_all, &f);
        r = prof_write_all(fd, &f.out);
    }
    pbuf_free(&f.out);
    prof_table_free(f.r, f.cap, sizeof f.r[0]);
    return r;
}

PARKS int prof_write_block(enum bucket_kind kind, int fd, int debug)
{
    return debug > 0 ? write_text(kind, fd) : write_proto(kind, fd);
}
