/* samples.c: what the CPU profiler's signal handler saw, on its way into a trace.
 *
 * Owns    a ring of samples. The handler fills a free place, the tracer's thread empties it when a
 *         generation is sealed. A sample that finds no place is lost.
 * Order   a place is FREE, then a handler's (cas_acq), then FULL (store_rel), then the tracer's thread's,
 *         which frees it (store_rel).
 */
#include "trace/trace_int.h"

#include "base/probe.h"

enum { PLACES = 1024, PCS_MAX = 64 };
enum { FREE, FILLING, FULL };

static struct sample {
    au32 state;
    uint32_t n;
    uint64_t time, tid, p, g;
    uintptr_t pcs[PCS_MAX];
} ring[PLACES];
static au32 next_place;

SIGSAFE void trace_cpu_sample(struct m *m, struct g *g, const uintptr_t *pcs, size_t n)
{
    if (!probe_on(PROBE_TRACE))
        return;
    struct sample *s = &ring[add_rlx(&next_place, 1u) % PLACES];
    if (!cas_acq(&s->state, (uint32_t)FREE, (uint32_t)FILLING)) /* pairs with samples_write */
        return;
    const struct p *p = m_p(m);
    s->time = trace_time();
    s->tid = (uint64_t)m->tid;
    s->p = p != NULL ? p->id : NOBODY;
    s->g = g != NULL ? g->id : 0;
    s->n = (uint32_t)(n < PCS_MAX ? n : PCS_MAX);
    for (uint32_t i = 0; i < s->n; i++)
        s->pcs[i] = pcs[i];
    store_rel(&s->state, (uint32_t)FULL); /* pairs with samples_write */
}

void samples_write(struct batch *b, struct gen *g)
{
    uint64_t began = (uint64_t)g->began_ns >> UNIT_SHIFT;
    batch_begin(b, g, EV_SAMPLES);
    for (struct sample *s = ring; s < ring + PLACES; s++) {
        if (load_acq(&s->state) != FULL) /* pairs with trace_cpu_sample */
            continue;
        uint8_t entry[64], *at = entry;
        if (s->time < began) { /* its handler took long: the trace may be another one */
            store_rel(&s->state, (uint32_t)FREE); /* pairs with cas_acq */
            continue;
        }
        *at++ = EV_SAMPLE;
        at = put_number(at, s->time);
        at = put_number(at, s->tid);
        at = put_number(at, s->p);
        at = put_number(at, s->g);
        at = put_number(at, tables_stack(g->tables, s->pcs, s->n));
        store_rel(&s->state, (uint32_t)FREE); /* pairs with cas_acq */
        batch_add(b, entry, (size_t)(at - entry));
    }
    batch_end(b);
}
