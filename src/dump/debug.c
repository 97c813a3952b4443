/* debug.c: tracebacks of a living program, and what a program may set about its death.
 *
 * Owns    runtime.Stack and the like.
 * Holds   while the world is stopped neither malloc nor the loader is called: a goroutine that was
 *         stopped in its tracks may hold their locks. Frames are taken then, names found later.
 * Locks   rank symb, below.
 */
#include "dump/dump_int.h"

#include "base/track.h"
#include "conf/conf.h"

#include <gort/debug.h>

/* ---- on the thread's own stack: libdw wants more room than a goroutine may have left */
struct hop {
    void (*fn)(void *arg);
    void *arg;
    const struct stack *from;
    void *fake_stack; /* AddressSanitizer's */
};

static void hop_run(void *hop)
{
    struct hop *h = hop;
    track_arrive(NULL);
    h->fn(h->arg);
    track_leave(NULL, h->from->lo, h->from->hi);
}

void dump_on_thread_stack(struct m *m, uintptr_t top, void (*fn)(void *arg), void *arg)
{
    struct hop h = {.fn = fn, .arg = arg, .from = &m_curg(m)->stack};
    track_leave(&h.fake_stack, m->g0.stack.lo, m->g0.stack.hi);
    arch_call_on((void *)((top - DUMP_RED_ZONE_BYTES) & ~(uintptr_t)15), hop_run, &h);
    track_arrive(h.fake_stack);
}

/* ---- the other goroutines */
struct others {
    struct trace_record *records;
    size_t n, room;
    const struct g *except;
    enum symb_way way;
};

static void count_one(struct g *g, void *arg)
{
    struct others *all = arg;
    all->room++;
    if (g->sigctx != NULL)
        all->way = SYMB_SAFE;
}

static void take_one(struct g *g, void *arg)
{
    struct others *all = arg;
    if (g == all->except || g_is_hidden(g) || all->n == all->room)
        return;
    struct trace_record *r = &all->records[all->n++];
    trace_take_header(r, g);
    trace_take_stack(r, g, NULL, all->way);
}

static STW void take_all(struct others *all)
{
    g_each(count_one, all);
    all->records = os_map(all->room * sizeof all->records[0]);
    if (all->records != NULL)
        g_each(take_one, all);
}

static PARKS void take_others(struct others *all)
{
    world_stop(WAIT_STOPPING);
    all->way = SYMB_FULL;
    take_all(all);
    world_start();
}

static void drop_others(struct others *all)
{
    if (all->records != NULL)
        os_unmap(all->records, all->room * sizeof all->records[0]);
}

/* ---- all goroutines, for the collector */
static struct others taken;

STW void dump_take_all(void)
{
    taken = (struct others){.way = SYMB_SAFE};
    take_all(&taken);
}

void dump_print_taken(struct out *o, const struct dump_style *style)
{
    for (size_t i = 0; i < taken.n; i++) {
        trace_print(o, &taken.records[i], style);
        if (i + 1 < taken.n)
            out_char(o, '\n');
    }
    drop_others(&taken);
    taken = (struct others){.n = 0};
}

/* ---- one request */
struct request {
    struct out out;
    struct g *g;
    struct dump_place at;
    struct others others;
};

static void print_request(void *arg)
{
    static const struct dump_style style = {.level = 1, .way = SYMB_FULL};
    struct request *r = arg;
    dump_goroutine(&r->out, r->g, &r->at, &style);
    for (size_t i = 0; i < r->others.n; i++) {
        out_char(&r->out, '\n');
        trace_print(&r->out, &r->others.records[i], &style);
    }
    out_flush(&r->out);
}

static void run_request(struct m *m, struct request *r)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const struct stack *s = &m->g0.stack;
    if (r->g->foreign || (here >= s->lo && here < s->hi))
        print_request(r);
    else
        dump_on_thread_stack(m, m->g0.ctx.sp, print_request, r);
}

static void request(struct request *r, bool all)
{
    struct m *m = m_enter();
    r->g = m_curg(m);
    r->at.exact = false;
    r->others = (struct others){.except = r->g};
    if (all)
        take_others(&r->others);
    run_request(self(), r);
    drop_others(&r->others);
    m_leave(self());
}

size_t gort_stack(char *buf, size_t n, bool all)
{
    struct request r;
    out_init_mem(&r.out, buf, n);
    (void)arch_save(&r.at.ctx);
    request(&r, all);
    return r.out.len;
}

void gort_debug_print_stack(void)
{
    struct request r;
    out_init_fd(&r.out, 2);
    (void)arch_save(&r.at.ctx);
    request(&r, false);
}

void gort_debug_set_traceback(const char *level)
{
    conf_set_traceback(level);
}

int gort_debug_set_max_threads(int n)
{
    return sched_set_max_threads(n > 0 ? n : 0);
}
