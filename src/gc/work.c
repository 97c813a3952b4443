/* work.c: what is grey: marked, and still to be looked at.
 *
 * Owns    the markers, the buffers in which grey things wait, and the knowledge that none is left.
 * Holds   1. a buffer belongs to one marker, or is in one of the lists: empty, spans, objects.
 *         2. a listed buffer of spans or objects is not empty.
 *         3. while a marker is registered, what its thread found may be in its own buffers and ring;
 *            of one that is not registered, nothing is.
 *         4. a span whose first page has PAGE_QUEUED is in one buffer, or its taker has not yet
 *            cleared the bit.
 * Locks   work.lock, rank work: lists, counts, who is registered.
 *
 * The end: a marker is registered, and unregistered with all it had given away, under the lock. So who
 * finds under the lock that none is registered and nothing listed knows that nothing is grey, and that
 * nothing becomes so unless somebody adds roots (test/model/mark.pml).
 *
 * Spans wait first in, first out, so that more of their objects are found before they are visited;
 * objects last in, first out, since there may be many.
 * Instead of lists without a lock: a buffer holds hundreds of spans of up to hundreds of objects each,
 *         and the lock is asked for once a buffer.
 */
#include "gc/scan.h"

#include "base/check.h"

#include <string.h>

static struct {
    struct lock lock; /* rank work */
    /* lock: */
    struct wbuf *empty;
    struct wbuf *spans, *spans_tail;
    struct wbuf *objects;
    struct marker *idle;
    struct mark_counts counts;
    uintptr_t lo, hi; /* of all arenas, at mark_reset */
    /* lock+atomic: */
    au32 registered;
    au32 listed; /* buffers in spans and objects */
} work = {.lock = LOCK_INIT(work)};

/* ---- buffers */
static struct wbuf *wbuf_empty(void)
{
    lock(&work.lock);
    struct wbuf *b = work.empty;
    if (b != NULL)
        work.empty = b->next;
    unlock(&work.lock);
    if (b == NULL)
        b = persist_alloc_for(sizeof *b, 64, SYS_GC);
    b->at = b->n = 0;
    return b;
}

static void list_span_buffer(struct wbuf *b) REQUIRES(work.lock)
{
    b->next = NULL;
    if (work.spans == NULL)
        work.spans = b;
    else
        work.spans_tail->next = b;
    work.spans_tail = b;
    store_seq(&work.listed, load_rlx(&work.listed) + 1);
}

static void list_object_buffer(struct wbuf *b) REQUIRES(work.lock)
{
    b->next = work.objects;
    work.objects = b;
    store_seq(&work.listed, load_rlx(&work.listed) + 1);
}

static void list_empty_buffer(struct wbuf *b) REQUIRES(work.lock)
{
    b->next = work.empty;
    work.empty = b;
}

bool work_wanted(void)
{
    return load_rlx(&work.listed) == 0;
}

/* ---- spans */
void work_put_span(struct marker *mk, uintptr_t first_page)
{
    struct wbuf *b = mk->in;
    if (unlikely(b->n == WBUF_ITEMS)) {
        lock(&work.lock);
        list_span_buffer(b);
        unlock(&work.lock);
        mk->in = b = wbuf_empty();
    }
    b->item[b->n++] = first_page;
}

/* An empty `out` is traded for the oldest listed buffer, or else for `in`. */
static bool refill_out(struct marker *mk)
{
    struct wbuf *b = NULL;
    if (load_rlx(&work.listed) != 0) {
        lock(&work.lock);
        b = work.spans;
        if (b != NULL) {
            work.spans = b->next;
            store_seq(&work.listed, load_rlx(&work.listed) - 1);
            list_empty_buffer(mk->out);
        }
        unlock(&work.lock);
    }
    if (b == NULL) {
        if (mk->in->n == 0)
            return false;
        b = mk->in;
        mk->in = mk->out;
        mk->in->at = mk->in->n = 0;
    }
    mk->out = b;
    return true;
}

uintptr_t work_take_span(struct marker *mk)
{
    if (mk->out->at == mk->out->n && !refill_out(mk))
        return 0;
    return mk->out->item[mk->out->at++];
}

uintptr_t work_peek_span(const struct marker *mk, uint32_t ahead)
{
    const struct wbuf *b = mk->out;
    return b->at + ahead < b->n ? b->item[b->at + ahead] : 0;
}

/* ---- objects */
/* The older half goes to the list. */
void work_share_objects(struct marker *mk)
{
    struct wbuf *b = mk->objects, *half = wbuf_empty();
    uint32_t n = (b->n + 1) / 2;
    memcpy(half->item, b->item, n * sizeof b->item[0]);
    memmove(b->item, b->item + n, (b->n - n) * sizeof b->item[0]);
    half->n = n;
    b->n -= n;
    lock(&work.lock);
    list_object_buffer(half);
    unlock(&work.lock);
}

void work_put_object(struct marker *mk, uintptr_t addr)
{
    struct wbuf *b = mk->objects;
    b->item[b->n++] = addr;
    if (unlikely(b->n == WBUF_ITEMS))
        work_share_objects(mk);
}

static bool refill_objects(struct marker *mk)
{
    if (load_rlx(&work.listed) == 0)
        return false;
    lock(&work.lock);
    struct wbuf *b = work.objects;
    if (b != NULL) {
        work.objects = b->next;
        store_seq(&work.listed, load_rlx(&work.listed) - 1);
        list_empty_buffer(mk->objects);
        mk->objects = b;
    }
    unlock(&work.lock);
    return b != NULL;
}

uintptr_t work_take_object(struct marker *mk)
{
    if (mk->objects->n == 0 && !refill_objects(mk))
        return 0;
    return mk->objects->item[--mk->objects->n];
}

void work_donate(struct marker *mk)
{
    if (mk->in->n >= DONATE_SPANS) {
        struct wbuf *b = mk->in;
        mk->in = wbuf_empty();
        lock(&work.lock);
        list_span_buffer(b);
        unlock(&work.lock);
    } else if (mk->objects->n >= DONATE_OBJECTS) {
        work_share_objects(mk);
    }
}

/* ---- markers */
static void need_buffer(struct wbuf **b)
{
    if (*b == NULL)
        *b = wbuf_empty();
}

struct marker *marker_take(void)
{
    lock(&work.lock);
    struct marker *mk = work.idle;
    if (mk != NULL)
        work.idle = mk->next;
    store_seq(&work.registered, load_rlx(&work.registered) + 1);
    unlock(&work.lock);
    if (mk == NULL)
        mk = persist_alloc_for(sizeof *mk, 64, SYS_GC);
    need_buffer(&mk->in);
    need_buffer(&mk->out);
    need_buffer(&mk->objects);
    mk->lo = work.lo;
    mk->len = work.hi - work.lo;
    mk->half = load_rlx(&mem_gc.half);
    return mk;
}

static void add_counts(struct mark_counts *to, const struct mark_counts *c)
{
    to->heap_bytes += c->heap_bytes;
    to->stack_bytes += c->stack_bytes;
    to->global_bytes += c->global_bytes;
    to->marked_bytes += c->marked_bytes;
    to->marked_objects += c->marked_objects;
}

/* Instead of `b`, which goes to a list, the marker gets an empty buffer, or none. */
static struct wbuf *give_buffer(struct wbuf *b, void (*list)(struct wbuf *)) REQUIRES(work.lock)
{
    if (b->at == b->n) {
        b->at = b->n = 0;
        return b;
    }
    list(b);
    struct wbuf *other = work.empty;
    if (other != NULL) {
        work.empty = other->next;
        other->at = other->n = 0;
    }
    return other;
}

void marker_put(struct marker *mk)
{
    while (mark_flush(mk)) {
    }
    lock(&work.lock);
    mk->in = give_buffer(mk->in, list_span_buffer);
    mk->out = give_buffer(mk->out, list_span_buffer);
    mk->objects = give_buffer(mk->objects, list_object_buffer);
    add_counts(&work.counts, &mk->counts);
    memset(&mk->counts, 0, sizeof mk->counts);
    store_seq(&work.registered, load_rlx(&work.registered) - 1);
    mk->next = work.idle;
    work.idle = mk;
    unlock(&work.lock);
}

/* ---- draining */
/* Looks at one grey thing; false if there is none. */
static bool drain_one(struct marker *mk)
{
    uintptr_t addr = work_take_object(mk);
    if (addr != 0) {
        mark_object(mk, addr);
        return true;
    }
    addr = work_take_span(mk);
    if (addr != 0) {
        mark_span(mk, addr);
        return true;
    }
    return mark_flush(mk);
}

static uint64_t scanned(const struct marker *mk)
{
    return mk->counts.heap_bytes + mk->counts.stack_bytes + mk->counts.global_bytes;
}

size_t mark_drain(struct marker *mk, size_t budget)
{
    uint64_t start = scanned(mk);
    while (scanned(mk) - start < budget && load_rlx(&gc.stopping) == 0 && drain_one(mk)) {
        if (unlikely(work_wanted()))
            work_donate(mk);
    }
    return (size_t)(scanned(mk) - start);
}

bool mark_has_work(void)
{
    return load_seq(&work.listed) != 0;
}

bool mark_quiet(void)
{
    lock(&work.lock);
    bool quiet = load_rlx(&work.registered) == 0 && load_rlx(&work.listed) == 0;
    unlock(&work.lock);
    return quiet;
}

/* ---- counts, and the beginning of a cycle */
void mark_counts(struct mark_counts *c)
{
    lock(&work.lock);
    *c = work.counts;
    unlock(&work.lock);
}

void work_set_counts(const struct mark_counts *c)
{
    lock(&work.lock);
    work.counts = *c;
    unlock(&work.lock);
}

/* These bounds lie in our own data, which is scanned: they must not look like pointers to the first
 * object. */
static void widen(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    (void)a;
    (void)arg;
    if (work.lo == 0 || lo - 1 < work.lo)
        work.lo = lo - 1;
    if (hi > work.hi)
        work.hi = hi;
}

/* What comes into use behind these bounds is born marked. */
void mark_reset(void)
{
    mark_choose();
    DCHECK(load_rlx(&work.registered) == 0 && load_rlx(&work.listed) == 0);
    memset(&work.counts, 0, sizeof work.counts);
    work.lo = work.hi = 0;
    arena_each(widen, NULL);
}

static void list_empty_buffers(struct wbuf *b) REQUIRES(work.lock)
{
    for (struct wbuf *next; b != NULL; b = next) {
        next = b->next;
        list_empty_buffer(b);
    }
}

void work_drop(void)
{
    lock(&work.lock);
    list_empty_buffers(work.spans);
    list_empty_buffers(work.objects);
    work.spans = work.objects = NULL;
    store_seq(&work.listed, 0u);
    unlock(&work.lock);
}

/* Another thread may have held the lock when the child was made. */
void work_reset_in_child(void)
{
    lock_init(&work.lock, work);
    work.empty = work.spans = work.objects = NULL;
    work.idle = NULL;
    store_rlx(&work.registered, 0u);
    store_rlx(&work.listed, 0u);
    memset(&work.counts, 0, sizeof work.counts);
}
