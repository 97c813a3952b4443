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
#include <gort/mem.h>

/* ---- on the thread's own stack, which has more room than a goroutine may have left */
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
    track_below(top);
    arch_call_on((void *)((top - DUMP_RED_ZONE_BYTES) & ~(uintptr_t)15), hop_run, &h);
    track_arrive(h.fake_stack);
}

/* ---- the other goroutines */
struct others {
    struct briefs briefs;
    const struct g *except;
};

static void take_one(struct g *g, void *arg)
{
    struct others *all = arg;
    if (g != all->except && !g_is_hidden(g))
        brief_take(&all->briefs, g);
}

static PARKS void take_others(struct others *all)
{
    world_stop_for(WAIT_STOPPING, STW_STACKS);
    g_each(take_one, all);
    world_start();
}

struct print_all {
    struct out *o;
    const struct dump_style *style;
    bool begun;
};

static void print_one(const struct brief *r, void *arg)
{
    struct print_all *p = arg;
    if (p->begun)
        out_str(p->o, "\n");
    p->begun = true;
    trace_print(p->o, r, p->style);
}

static void print_all(struct out *o, const struct briefs *b, bool begun,
                      const struct dump_style *style)
{
    struct print_all p = {.o = o, .style = style, .begun = begun};
    briefs_each(b, print_one, &p);
    if (b->incomplete)
        out_str(o, "\n...additional goroutines elided...\n");
}

/* ---- all goroutines, for the collector */
static struct others taken;

STW void dump_take_all(void)
{
    taken = (struct others){.except = NULL};
    g_each(take_one, &taken);
}

void dump_print_taken(struct out *o, const struct dump_style *style)
{
    print_all(o, &taken.briefs, false, style);
    briefs_drop(&taken.briefs);
}

/* ---- one request */
/* Names are found outside the runtime: that may take long. The goroutine's own frames are walked there, too;
 * nobody else changes them. */
static void request(struct out *o, const struct context *here, bool all)
{
    static const struct dump_style style = {.level = 1, .way = SYMB_FULL};
    struct dump_place at = {.ctx = *here, .exact = false};
    struct m *m = m_enter();
    struct others others = {.except = m_curg(m)};
    if (all)
        take_others(&others);
    m_leave(self());
    symb_look();
    dump_goroutine(o, g_self(), &at, &style);
    print_all(o, &others.briefs, true, &style);
    briefs_drop(&others.briefs);
    out_flush(o);
}

size_t gort_stack(char *buf, size_t n, bool all)
{
    struct out o;
    struct context here;
    out_init_mem(&o, buf, n);
    arch_keep(&here);
    request(&o, &here, all);
    return o.len;
}

char *gort_debug_stack(size_t *n)
{
    for (size_t room = 1024;; room *= 2) {
        char *text = gort_alloc_noscan(room);
        size_t len = gort_stack(text, room - 1, false);
        if (len == room - 1)
            continue;
        if (n != NULL)
            *n = len;
        return text;
    }
}

void gort_debug_print_stack(void)
{
    struct out o;
    struct context here;
    out_init_fd(&o, 2);
    arch_keep(&here);
    request(&o, &here, false);
}

void gort_debug_set_traceback(const char *level)
{
    conf_set_traceback(level);
}

int gort_debug_set_max_threads(int n)
{
    return sched_set_max_threads(n > 0 ? n : 0);
}
