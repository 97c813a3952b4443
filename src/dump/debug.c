/* debug.c: tracebacks of a living program, and what a program may set about its death.
 *
 * Owns    runtime.Stack and the like.
 * Locks   rank symb, below. With all goroutines the world is stopped, so that stacks stand still.
 */
#include "dump/dump.h"

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
    track_switch_end(NULL);
    h->fn(h->arg);
    track_switch_begin(NULL, (void *)h->from->lo, h->from->hi - h->from->lo);
}

void dump_on_thread_stack(struct m *m, uintptr_t top, void (*fn)(void *arg), void *arg)
{
    struct hop h = {.fn = fn, .arg = arg, .from = &m_curg(m)->stack};
    track_switch_begin(&h.fake_stack, (void *)m->g0.stack.lo, m->g0.stack.hi - m->g0.stack.lo);
    arch_call_on((void *)((top - DUMP_RED_ZONE_BYTES) & ~(uintptr_t)15), hop_run, &h);
    track_switch_end(h.fake_stack);
}

struct request {
    struct out out;
    struct g *g;
    struct dump_place at;
    bool all;
};

static void print_request(void *arg)
{
    static const struct dump_style style = {.level = 1, .way = SYMB_FULL};
    struct request *r = arg;
    dump_goroutine(&r->out, r->g, &r->at, &style);
    if (r->all)
        dump_others(&r->out, r->g, NULL, &style);
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
    r->all = all;
    if (all)
        world_stop(WAIT_STOPPING);
    run_request(self(), r);
    if (all)
        world_start();
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
