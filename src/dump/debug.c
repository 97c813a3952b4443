/* debug.c: tracebacks of a living program, and what a program may set about its death.
 *
 * Owns    runtime.Stack and the like.
 * Locks   rank symb, below. With all goroutines the world is stopped, so that stacks stand still.
 */
#include "dump/dump.h"

#include "conf/conf.h"

#include <gort/debug.h>

/* What is done on the thread's own stack: libdw wants more room than a goroutine may have left. */
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

static void run_on_thread_stack(struct m *m, struct request *r)
{
    enum { RED_ZONE = 256 };
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const struct stack *s = &m->g0.stack;
    if (r->g->foreign || (here >= s->lo && here < s->hi)) {
        print_request(r);
        return;
    }
    arch_call_on((void *)((m->g0.ctx.sp - RED_ZONE) & ~(uintptr_t)15), print_request, r);
}

static void request(struct request *r, bool all)
{
    struct m *m = m_enter();
    r->g = m_curg(m);
    r->at.exact = false;
    r->all = all;
    if (all)
        world_stop(WAIT_STOPPING);
    run_on_thread_stack(self(), r);
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
