/* state.c: the scheduler's state in words: GODEBUG=schedtrace, scheddetail.
 *
 * Prints in the formats of go1.20. Called by the monitor and by dying programs, so it takes
 * sched.lock only if it is free.
 */
#include "sched/sched_int.h"

#include "base/fmt.h"

static void field(struct out *o, const char *name, int64_t v)
{
    out_str(o, name);
    out_int(o, v);
}

static void field_or_nil(struct out *o, const char *name, bool there, int64_t v)
{
    out_str(o, name);
    if (there)
        out_int(o, v);
    else
        out_str(o, "nil");
}

static void field_bool(struct out *o, const char *name, bool v)
{
    out_str(o, name);
    out_str(o, v ? "true" : "false");
}

static void print_p(struct out *o, const struct p *p)
{
    struct p *q = (struct p *)(uintptr_t)p;
    const struct m *m = load_rlx(&q->m);
    field(o, "  P", p->id);
    field(o, ": status=", load_rlx(&q->status));
    field(o, " schedtick=", load_rlx(&q->schedtick));
    field(o, " syscalltick=", load_rlx(&q->syscalltick));
    field_or_nil(o, " m=", m != NULL, m != NULL ? m->id : 0);
    field(o, " runqsize=", runq_len(p));
    field(o, " gfreecnt=", load_rlx(&q->ngfree));
    field(o, " timerslen=", load_rlx(&q->timers.count));
    out_char(o, '\n');
}

static void print_m(struct out *o, struct m *m)
{
    const struct p *p = load_rlx(&m->p);
    struct g *g = load_rlx(&m->curg);
    bool user = g != NULL && g != &m->g0;
    field(o, "  M", m->id);
    field_or_nil(o, ": p=", p != NULL, p != NULL ? p->id : 0);
    field_or_nil(o, " curg=", user, user ? (int64_t)g->id : 0);
    out_str(o, " mallocing=0 throwing=0 preemptoff=");
    field(o, " locks=", load_rlx(&m->locks));
    field(o, " dying=", m->dying);
    field_bool(o, " spinning=", load_rlx(&m->spinning) != 0);
    field_bool(o, " blocked=", load_rlx(&m->blocked) != 0);
    bool locked = user && load_rlx(&g->bound) == m;
    field_or_nil(o, " lockedg=", locked, locked ? (int64_t)g->id : 0);
    out_char(o, '\n');
}

static void print_g(struct g *g, void *arg)
{
    struct out *o = arg;
    const struct m *m = load_rlx(&g->m);
    uint32_t status = load_rlx(&g->status);
    bool on = status == G_RUNNING && m != NULL;
    const struct m *bound = load_rlx(&g->bound);
    field(o, "  G", (int64_t)g->id);
    field(o, ": status=", status);
    out_char(o, '(');
    out_str(o, wait_reason_text(load_rlx(&g->wait_reason)));
    field_or_nil(o, ") m=", on, on ? m->id : 0);
    field_or_nil(o, " lockedm=", bound != NULL, bound != NULL ? bound->id : 0);
    out_char(o, '\n');
}

static void print_head(struct out *o)
{
    int64_t ms = (os_nanotime() - sched.started_ns) / 1000000;
    field(o, "SCHED ", ms);
    field(o, "ms: gomaxprocs=", load_rlx(&sched.nps));
    field(o, " idleprocs=", load_rlx(&sched.nidle_ps));
    field(o, " threads=", sched.nms + 1);
    field(o, " spinningthreads=", load_rlx(&sched.nspinning));
    field(o, " needspinning=", load_rlx(&sched.want_thread));
    field(o, " idlethreads=", sched.nidle_ms);
    field(o, " runqueue=", load_rlx(&sched.runq_size));
}

static void print_brief(struct out *o)
{
    out_str(o, " [");
    for (uint32_t i = 0; i < load_rlx(&sched.nps); i++) {
        struct p *p = p_at(i);
        if (i > 0)
            out_char(o, ' ');
        out_uint(o, load_rlx(&p->runq_tail) - load_rlx(&p->runq_head));
    }
    out_str(o, "]\n");
}

void sched_print_state(bool detailed) NO_TSA
{
    struct out o;
    bool locked = lock_try(&sched.lock);
    out_init_fd(&o, 2);
    print_head(&o);
    if (!detailed) {
        print_brief(&o);
    } else {
        field_bool(&o, " gcwaiting=", load_rlx(&sched.stopping) != 0);
        field(&o, " nmidlelocked=", sched.nasleep_bound);
        field(&o, " stopwait=", sched.stop_wait);
        field_bool(&o, " sysmonwait=", load_rlx(&sched.monitor_asleep) != 0);
        out_char(&o, '\n');
        for (uint32_t i = 0; i < load_rlx(&sched.nps); i++)
            print_p(&o, p_at(i));
        for (struct m *m = m_first(); m != NULL; m = m_next(m))
            print_m(&o, m);
        g_each(print_g, &o);
    }
    out_flush(&o);
    if (locked)
        unlock(&sched.lock);
}
