/* heapdump.c: the heap, its roots and all goroutines, in the format `go1.7 heap dump`.
 *
 * Owns    debug.WriteHeapDump: the order of the records, and their bytes.
 * Holds   1. Everything is written while the world is stopped, after all spans are swept: an object is
 *            in the file exactly if it is allocated.
 *         2. While the world is stopped neither malloc nor the loader is called: a goroutine that was
 *            stopped in its tracks may hold their locks. Names of code are looked up before; if
 *            something new is on a stack then, the world is started and the look-up repeated.
 *         3. A word is a pointer of an object if the object's type says so; of memory without a type,
 *            if it is the address of an object or lies in one.
 * Locks   as special.c, final.c and prof/heap.c ask for what they list.
 *
 * What C has no word for: a goroutine has no closure context, a function value is its code, and there
 * are neither itabs nor types that a reader needs. Thread-locals, registers, timers and added ranges
 * are `other roots`. Of thread-locals those of modules that were loaded at the start are looked at.
 */
#include "dump/dump_int.h"
#include "dump/up.h"

#include "gc/gc_int.h" /* specials and the queue of finalizers are listed for nobody else */
#include "gc/scan.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/mem.h>

#include <errno.h>
#include <link.h>
#include <string.h>

enum tag {
    TAG_EOF,
    TAG_OBJECT,
    TAG_OTHER_ROOT,
    TAG_TYPE,
    TAG_GOROUTINE,
    TAG_FRAME,
    TAG_PARAMS,
    TAG_FINALIZER,
    TAG_ITAB,
    TAG_THREAD,
    TAG_MEM_STATS,
    TAG_QUEUED_FINALIZER,
    TAG_DATA,
    TAG_BSS,
    TAG_DEFER,
    TAG_PANIC,
    TAG_BUCKET,
    TAG_SAMPLE,
};
enum { FIELD_END, FIELD_POINTER };
enum { BUFFER_BYTES = 64 << 10, SEGMENTS = 512, ROUNDS = 4, NAMES_FIRST = 1024 };

/* What a return address means; an open-addressed table by pc. */
struct name {
    uintptr_t pc; /* 0: free */
    bool known;
    uintptr_t entry;
    const char *physical; /* the function that has the frame */
    const char *function, *path;
    int line;
};

struct segment {
    uintptr_t lo, bss, hi;
};

/* One dump; in memory of its own, since a goroutine's stack is small. */
struct heapdump {
    int fd, err;
    size_t n;
    unsigned char buf[BUFFER_BYTES];
    struct g *self;
    struct dump_place here;
    struct name *names;
    size_t names_cap, names_len, names_unknown;
    struct segment segments[SEGMENTS];
    size_t nsegments;
    struct trace_record record;
    gort_mem_stats stats;
    uintptr_t heap_lo, heap_hi;
    const struct g *of; /* whose defers and panics are written */
    struct {            /* the one before, which waits to know the next */
        const void *at;
        const struct context *scope;
        void (*fn)(void *);
    } defer;
    const char *root_text;
};

/* ---- bytes */
static void flush(struct heapdump *d)
{
    size_t at = 0;
    while (at < d->n && d->err == 0) {
        int64_t r = os_write(d->fd, d->buf + at, d->n - at);
        if (r > 0)
            at += (size_t)r;
        else if (r == -EAGAIN)
            os_sleep_ns(
                1000000); /* the reader is not in this program: its goroutines stand still */
        else if (r != -EINTR)
            d->err = r == 0 ? EIO : (int)-r;
    }
    d->n = 0;
}

static void put(struct heapdump *d, uint64_t v)
{
    if (d->n + 10 > BUFFER_BYTES)
        flush(d);
    for (; v >= 0x80; v >>= 7)
        d->buf[d->n++] = (unsigned char)(v | 0x80);
    d->buf[d->n++] = (unsigned char)v;
}

static void put_ptr(struct heapdump *d, const void *p)
{
    put(d, (uintptr_t)p);
}

LOOKS static void put_raw(struct heapdump *d, uintptr_t lo, size_t bytes)
{
    const volatile unsigned char *p = (const volatile unsigned char *)lo;
    for (size_t i = 0; i < bytes; i++) {
        if (d->n == BUFFER_BYTES)
            flush(d);
        d->buf[d->n++] = p[i];
    }
}

static void put_memory(struct heapdump *d, uintptr_t lo, uintptr_t hi)
{
    put(d, hi - lo);
    put_raw(d, lo, hi - lo);
}

static void put_str(struct heapdump *d, const char *s)
{
    put_memory(d, (uintptr_t)s, (uintptr_t)s + strlen(s));
}

LOOKS static uintptr_t word_at(uintptr_t p)
{
    return *(const uintptr_t *)p;
}

static bool points_to_object(uintptr_t word)
{
    struct object o;
    return word != 0 && arena_find_object(word, &o);
}

/* The fields of untyped memory. */
static void put_found_fields(struct heapdump *d, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t p = (lo + 7) & ~(uintptr_t)7; p + 8 <= hi; p += 8) {
        if (points_to_object(word_at(p))) {
            put(d, FIELD_POINTER);
            put(d, p - lo);
        }
    }
    put(d, FIELD_END);
}

/* ---- names of code */
static struct name *name_slot(struct name *names, size_t cap, uintptr_t pc)
{
    size_t i = (pc * UINT64_C(0x9e3779b97f4a7c15) >> 20) % cap;
    while (names[i].pc != 0 && names[i].pc != pc)
        i = (i + 1) % cap;
    return &names[i];
}

static bool names_grow(struct heapdump *d)
{
    size_t cap = d->names_cap == 0 ? NAMES_FIRST : d->names_cap * 2;
    struct name *bigger = os_map(cap * sizeof *bigger);
    if (bigger == NULL)
        return false;
    for (size_t i = 0; i < d->names_cap; i++)
        if (d->names[i].pc != 0)
            *name_slot(bigger, cap, d->names[i].pc) = d->names[i];
    if (d->names != NULL)
        os_unmap(d->names, d->names_cap * sizeof d->names[0]);
    d->names = bigger;
    d->names_cap = cap;
    return true;
}

static void name_want(struct heapdump *d, uintptr_t pc)
{
    if (pc == 0 || (d->names_len * 2 >= d->names_cap && !names_grow(d)))
        return;
    struct name *n = name_slot(d->names, d->names_cap, pc);
    if (n->pc != 0)
        return;
    n->pc = pc;
    d->names_len++;
    d->names_unknown++;
}

static const struct name *name_of(struct heapdump *d, uintptr_t pc)
{
    static const struct name nothing;
    const struct name *n = d->names_cap > 0 ? name_slot(d->names, d->names_cap, pc) : &nothing;
    return n->pc == pc ? n : &nothing;
}

static void name_find(struct name *n)
{
    struct symb_answer room;
    const struct symb_answer *a = symb_answer(n->pc - 1, &room);
    const struct symb_line *l = &a->line[0], *physical = &a->line[a->n - 1];
    n->entry = physical->entry;
    n->physical = physical->function;
    n->function = l->function;
    n->path = l->path;
    n->line = l->line;
    n->known = true;
}

static void names_find(void *dump)
{
    struct heapdump *d = dump;
    for (size_t i = 0; i < d->names_cap; i++)
        if (d->names[i].pc != 0 && !d->names[i].known)
            name_find(&d->names[i]);
    d->names_unknown = 0;
}

static void put_unknown_function(struct heapdump *d, uintptr_t pc)
{
    char text[32];
    struct out o;
    out_init_mem(&o, text, sizeof text - 1);
    out_char(&o, '(');
    out_hex(&o, pc);
    out_char(&o, ')');
    text[o.len] = '\0';
    put_str(d, text);
}

static void put_function(struct heapdump *d, const char *name, uintptr_t pc)
{
    if (name != NULL)
        put_str(d, name);
    else
        put_unknown_function(d, pc);
}

/* ---- objects */
static void see_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *dump)
{
    struct heapdump *d = dump;
    (void)a;
    if (d->heap_lo == 0 || lo < d->heap_lo)
        d->heap_lo = lo;
    if (hi > d->heap_hi)
        d->heap_hi = hi;
}

static void put_params(struct heapdump *d)
{
    arena_each(see_arena, d);
    put(d, TAG_PARAMS);
    put(d, false); /* little-endian */
    put(d, sizeof(void *));
    put(d, d->heap_lo);
    put(d, d->heap_hi);
#if defined(__aarch64__)
    put_str(d, "arm64");
#else
    put_str(d, "amd64");
#endif
    put_str(d, gort_version());
    put(d, (uint64_t)os_cpu_count());
}

static void put_object(struct heapdump *d, const struct object *o)
{
    put(d, TAG_OBJECT);
    put(d, o->base);
    put_memory(d, o->base, o->base + o->bytes);
    if (o->span->kind == OBJ_CONSERVATIVE) {
        put_found_fields(d, o->base, o->base + o->bytes);
        return;
    }
    for (size_t i = 0; o->span->kind == OBJ_PRECISE && i < o->bytes / 8; i++) {
        if (gc_word_may_point(o, i)) {
            put(d, FIELD_POINTER);
            put(d, i * 8);
        }
    }
    put(d, FIELD_END);
}

static void put_span(struct heapdump *d, struct span *s)
{
    for (uint32_t slot = 0; slot < s->nslots; slot++) {
        struct object o = {s->base + slot * s->slot_bytes, s->slot_bytes, s, slot};
        if (span_slot_taken(s, slot))
            put_object(d, &o);
    }
}

static void put_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *dump)
{
    for (uintptr_t p = lo; p < hi;) {
        uint64_t e = load_acq(&a->page[(p - a->base) >> PAGE_SHIFT]); /* arena_set_span */
        struct span *s = pe_in_use(e) ? pe_span(e) : NULL;
        if (s == NULL || p < s->base) {
            p += PAGE_BYTES;
            continue;
        }
        if (p == s->base)
            put_span(dump, s);
        p = s->base + s->npages * PAGE_BYTES; /* a large one goes on in the next arena */
    }
}

/* ---- goroutines */
static void take_stack(struct heapdump *d, struct g *g)
{
    d->record.stack.n = 0;
    trace_take_stack(&d->record, g, g == d->self ? &d->here : NULL);
    if (d->record.known != TRACE_STACK)
        d->record.stack.n = 0;
}

static uintptr_t frame_pc(const struct symb_frame *f)
{
    return f->exact ? f->pc + 1 : f->pc;
}

static void want_names_of(struct g *g, void *dump)
{
    struct heapdump *d = dump;
    if (load_rlx(&g->status) == G_DEAD)
        return;
    take_stack(d, g);
    for (size_t i = 0; i < d->record.stack.n; i++)
        name_want(d, frame_pc(&d->record.stack.frames[i]));
}

static void want_names_of_bucket(const void *bucket, size_t bytes, const uintptr_t *pcs, size_t n,
                                 uint64_t allocs, uint64_t frees, void *dump)
{
    (void)bucket, (void)bytes, (void)allocs, (void)frees;
    for (size_t i = 0; i < n; i++)
        name_want(dump, pcs[i]);
}

/* Where the frame ends: at its caller's sp, or with its stack. */
static uintptr_t frame_end(struct g *g, const struct trace_stack *s, size_t i)
{
    const struct symb_frame *f = &s->frames[i];
    struct m *m = load_rlx(&g->m);
    uintptr_t hi = f->sp;
    if (f->sp >= g->stack.lo && f->sp < g->stack.hi)
        hi = g->stack.hi;
    else if (m != NULL && f->sp >= m->g0.stack.lo && f->sp < m->g0.stack.hi)
        hi = f->cfa > f->sp && f->cfa <= m->g0.stack.hi ? f->cfa : f->sp;
    bool more = i + 1 < s->n && s->frames[i + 1].sp > f->sp && s->frames[i + 1].sp <= hi;
    return more ? s->frames[i + 1].sp : hi;
}

static void put_frame(struct heapdump *d, struct g *g, size_t i)
{
    const struct trace_stack *s = &d->record.stack;
    uintptr_t lo = s->frames[i].sp, hi = frame_end(g, s, i), pc = s->frames[i].pc;
    const struct name *n = name_of(d, frame_pc(&s->frames[i]));
    put(d, TAG_FRAME);
    put(d, lo);
    put(d, i);
    put(d, i == 0 ? 0 : s->frames[i - 1].sp);
    put_memory(d, lo, hi);
    put(d, n->entry);
    put(d, pc);
    put(d, pc); /* it goes on where it was left */
    put_function(d, n->physical, pc);
    put_found_fields(d, lo, hi);
}

static void keep_first(const void *at, const struct context *scope, void (*f)(void *), void *first)
{
    const void **p = first;
    (void)scope, (void)f;
    if (*p == NULL)
        *p = at;
}

static const void *first_defer(const struct g *g)
{
    const void *first = NULL;
    defer_each(g, keep_first, &first);
    return first;
}

/* In a stop whoever is running was stopped in its tracks, and is about to run again. */
static uint64_t status_of(struct heapdump *d, struct g *g)
{
    uint32_t status = load_rlx(&g->status);
    if (g == d->self)
        return G_WAITING;
    if (strcmp(dump_status_text(g), "syscall") == 0)
        return G_SYSCALL;
    return status == G_RUNNING ? G_RUNNABLE : status;
}

static void put_goroutine(struct heapdump *d, struct g *g)
{
    const struct trace_stack *s = &d->record.stack;
    enum wait_reason why = (enum wait_reason)load_rlx(&g->wait_reason);
    uint64_t status = status_of(d, g);
    put(d, TAG_GOROUTINE);
    put_ptr(d, g);
    put(d, s->n > 0 ? s->frames[0].sp : g->stack.hi);
    put(d, g->id);
    put(d, g->created_pc);
    put(d, status);
    put(d, g->system);
    put(d, false);
    put(d, status == G_WAITING ? (uint64_t)load_rlx(&g->wait_since) : 0);
    put_str(d, g == d->self          ? wait_reason_text(WAIT_DUMP)
               : status == G_WAITING ? wait_reason_text(why)
                                     : "");
    put(d, 0);
    put_ptr(d, load_rlx(&g->m));
    put_ptr(d, first_defer(g));
    put_ptr(d, g->panics);
}

static void put_last_defer(struct heapdump *d, const void *next)
{
    if (d->defer.at == NULL)
        return;
    put(d, TAG_DEFER);
    put_ptr(d, d->defer.at);
    put_ptr(d, d->of);
    put(d, d->defer.scope->sp);
    put(d, d->defer.scope->pc);
    put(d, (uintptr_t)d->defer.fn);
    put(d, (uintptr_t)d->defer.fn);
    put_ptr(d, next);
}

static void put_defer(const void *at, const struct context *scope, void (*f)(void *), void *dump)
{
    struct heapdump *d = dump;
    put_last_defer(d, at);
    d->defer.at = at;
    d->defer.scope = scope;
    d->defer.fn = f;
}

static void put_panic(const void *p, uintptr_t type, uintptr_t data, const void *older, void *dump)
{
    struct heapdump *d = dump;
    put(d, TAG_PANIC);
    put_ptr(d, p);
    put_ptr(d, d->of);
    put(d, type);
    put(d, data);
    put(d, 0);
    put_ptr(d, older);
}

static void put_g(struct g *g, void *dump)
{
    struct heapdump *d = dump;
    if (load_rlx(&g->status) == G_DEAD)
        return;
    take_stack(d, g);
    put_goroutine(d, g);
    for (size_t i = 0; i < d->record.stack.n; i++)
        put_frame(d, g, i);
    d->of = g;
    d->defer.at = NULL;
    defer_each(g, put_defer, d);
    put_last_defer(d, NULL);
    panic_each(g, put_panic, d);
}

static void put_m(struct m *m, void *dump)
{
    struct heapdump *d = dump;
    put(d, TAG_THREAD);
    put_ptr(d, m);
    put(d, m->id);
    put(d, (uint64_t)m->tid);
}

/* ---- roots */
/* Asks the loader, so outside of the stop. */
static int find_segments(struct dl_phdr_info *info, size_t size, void *dump)
{
    struct heapdump *d = dump;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && (ph->p_flags & PF_W) != 0 && d->nsegments < SEGMENTS)
            d->segments[d->nsegments++] =
                (struct segment){.lo = lo, .bss = lo + ph->p_filesz, .hi = lo + ph->p_memsz};
    }
    return 0;
}

static void put_segment(struct heapdump *d, enum tag tag, uintptr_t lo, uintptr_t hi)
{
    if (lo >= hi)
        return;
    put(d, tag);
    put(d, lo);
    put_memory(d, lo, hi);
    put_found_fields(d, lo, hi);
}

static void put_segments(struct heapdump *d)
{
    for (size_t i = 0; i < d->nsegments; i++)
        put_segment(d, TAG_DATA, d->segments[i].lo, d->segments[i].bss);
    for (size_t i = 0; i < d->nsegments; i++)
        put_segment(d, TAG_BSS, d->segments[i].bss, d->segments[i].hi);
}

static void put_root(struct heapdump *d, uintptr_t word)
{
    if (!points_to_object(word))
        return;
    put(d, TAG_OTHER_ROOT);
    put_str(d, d->root_text);
    put(d, word);
}

static void put_roots(struct heapdump *d, const char *text, uintptr_t lo, uintptr_t hi)
{
    d->root_text = text;
    for (uintptr_t p = (lo + 7) & ~(uintptr_t)7; p + 8 <= hi; p += 8)
        put_root(d, word_at(p));
}

static void put_range(void *lo, size_t bytes, void *dump)
{
    put_roots(dump, "added roots", (uintptr_t)lo, (uintptr_t)lo + bytes);
}

static void put_thread_locals(struct m *m, void *dump)
{
    uintptr_t lo = 0, hi = 0, tp = (uintptr_t)load_rlx(&m->thread_pointer);
    if (tp == 0)
        return;
    os_tls_static(tp, &lo, &hi);
    put_roots(dump, "thread-local data", lo, hi);
}

/* A timer may be known to nobody but its P. */
static void put_timers(struct p *p, void *dump)
{
    struct timers *ts = &p->timers;
    lock(&ts->lock);
    put_roots(dump, "timers", (uintptr_t)ts->heap, (uintptr_t)(ts->heap + ts->len));
    put_roots(dump, "timers", (uintptr_t)ts->fresh, (uintptr_t)(ts->fresh + ts->nfresh));
    unlock(&ts->lock);
}

static void put_registers(struct g *g, void *dump)
{
    if (load_rlx(&g->status) == G_DEAD)
        return;
    put_roots(dump, "goroutine", (uintptr_t)g, (uintptr_t)(g + 1));
    if (g->sigctx != NULL)
        put_roots(dump, "registers", (uintptr_t)g->sigctx,
                  (uintptr_t)g->sigctx + sizeof(ucontext_t));
}

static void put_finalizer(struct heapdump *d, enum tag tag, const void *obj, const void *fn)
{
    put(d, tag);
    put_ptr(d, obj);
    put_ptr(d, fn);
    put_ptr(d, fn);
    put(d, 0);
    put(d, 0);
}

static void put_special_finalizer(const struct object *o, const struct special *s, void *dump)
{
    put_finalizer(dump, TAG_FINALIZER, (const void *)o->base, s->a);
}

static void put_cleanup(const struct object *o, const struct special *s, void *dump)
{
    struct heapdump *d = dump;
    (void)o;
    d->root_text = "argument of a cleanup";
    put_root(d, (uintptr_t)s->b);
}

static void put_queued(void *obj, void *a, void *b, void *dump)
{
    put_finalizer(dump, TAG_QUEUED_FINALIZER, obj != NULL ? obj : b, a);
}

/* ---- numbers */
static void put_stats(struct heapdump *d)
{
    const gort_mem_stats *s = &d->stats;
    const uint64_t numbers[] = {
        s->alloc,         s->total_alloc,  s->sys,         s->lookups,        s->mallocs,
        s->frees,         s->heap_alloc,   s->heap_sys,    s->heap_idle,      s->heap_inuse,
        s->heap_released, s->heap_objects, s->stack_inuse, s->stack_sys,      s->mspan_inuse,
        s->mspan_sys,     s->mcache_inuse, s->mcache_sys,  s->buck_hash_sys,  s->gc_sys,
        s->other_sys,     s->next_gc,      s->last_gc,     s->pause_total_ns,
    };
    put(d, TAG_MEM_STATS);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        put(d, numbers[i]);
    for (size_t i = 0; i < ARRAY_LEN(s->pause_ns); i++)
        put(d, s->pause_ns[i]);
    put(d, s->num_gc);
}

static void put_bucket(const void *bucket, size_t bytes, const uintptr_t *pcs, size_t n,
                       uint64_t allocs, uint64_t frees, void *dump)
{
    struct heapdump *d = dump;
    put(d, TAG_BUCKET);
    put_ptr(d, bucket);
    put(d, bytes);
    put(d, n);
    for (size_t i = 0; i < n; i++) {
        const struct name *name = name_of(d, pcs[i]);
        put_function(d, name->function, pcs[i]);
        put_str(d, name->path != NULL ? name->path : "?");
        put(d, (uint64_t)name->line);
    }
    put(d, allocs);
    put(d, frees);
}

static void put_sample(const struct object *o, const struct special *s, void *dump)
{
    struct heapdump *d = dump;
    put(d, TAG_SAMPLE);
    put(d, o->base);
    put_ptr(d, s->a);
}

/* ---- the whole */
static STW void put_all(struct heapdump *d)
{
    static const char magic[] = "go1.7 heap dump\n";
    put_raw(d, (uintptr_t)magic, sizeof magic - 1);
    put_params(d);
    arena_each(put_arena, d);
    g_each(put_g, d);
    sched_each_m(put_m, d);
    put_segments(d);
    roots_each(put_range, d);
    sched_each_m(put_thread_locals, d);
    sched_each_p(put_timers, d);
    g_each(put_registers, d);
    specials_each(SPECIAL_CLEANUP, put_cleanup, d);
    specials_each(SPECIAL_FINALIZER, put_special_finalizer, d);
    final_each_queued(put_queued, d);
    put_stats(d);
    prof_heap_each(put_bucket, d);
    specials_each(SPECIAL_SAMPLE, put_sample, d);
    put(d, TAG_EOF);
    flush(d);
}

static PARKS void stop(struct heapdump *d)
{
    world_stop_for(WAIT_DUMP, STW_HEAP_DUMP);
    g_each(want_names_of, d);
    prof_heap_each(want_names_of_bucket, d);
}

static void on_thread_stack(struct heapdump *d, void (*fn)(void *dump))
{
    struct m *m = self();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const struct stack *s = &m->g0.stack;
    if (d->self->foreign || (here >= s->lo && here < s->hi))
        fn(d);
    else
        dump_on_thread_stack(m, m->g0.ctx.sp, fn, d);
}

/* Stops the world when all names are known; after some rounds, with what is known. */
static PARKS void stop_with_names(struct heapdump *d)
{
    stop(d);
    for (int round = 0; round < ROUNDS && d->names_unknown > 0; round++) {
        world_start();
        on_thread_stack(d, names_find);
        stop(d);
    }
}

static STW void write_stopped(struct heapdump *d)
{
    watch_without_names(true);
    sweep_all(); /* 1 */
    watch_without_names(false);
    gc_read_stats(&d->stats);
    put_all(d);
}

/* The error of a write, or 0. */
static PARKS int dump_to(int fd, const struct dump_place *here)
{
    struct heapdump *d = os_map(sizeof *d);
    if (d == NULL)
        return ENOMEM;
    d->fd = fd;
    d->here = *here;
    m_enter();
    d->self = m_curg(self());
    (void)dl_iterate_phdr(find_segments, d);
    stop_with_names(d);
    write_stopped(d);
    world_start();
    m_leave(self());
    int err = d->err;
    if (d->names != NULL)
        os_unmap(d->names, d->names_cap * sizeof d->names[0]);
    os_unmap(d, sizeof *d);
    return err;
}

static NOINLINE int fail(int err)
{
    errno = err;
    return -1;
}

int gort_debug_write_heap_dump(int fd)
{
    struct dump_place here = {.exact = false};
    (void)arch_save(&here.ctx);
    int err = dump_to(fd, &here);
    return err == 0 ? 0 : fail(err);
}
