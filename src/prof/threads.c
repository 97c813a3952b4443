/* threads.c: who made the runtime's threads.
 *
 * Owns    the profile of thread creation: a record of each thread that the runtime knows, with the goroutine
 *         that wanted it. Nothing is known of the first thread, of attached ones, of the monitor and other
 *         helpers, and of those that were started to run goroutines that others had woken.
 * Locks   none: a thread's record does not change while it is in the list.
 */
#include "prof/prof_int.h"

#include "sched/sched.h"

#include <gort/mem.h>
#include <gort/prof.h>

#include <string.h>

struct fill {
    gort_stack_record *p;
    size_t n, room;
};

static void fill_one(struct m *m, void *arg)
{
    struct fill *f = arg;
    _Static_assert(sizeof f->p->stack0 == sizeof m->created_by, "gort_stack_record");
    if (f->n++ < f->room)
        memcpy(f->p[f->n - 1].stack0, m->created_by, sizeof m->created_by);
}

bool gort_thread_create_profile(gort_stack_record *p, int len, int *n)
{
    struct fill f = {.p = p, .room = p != NULL && len > 0 ? (size_t)len : 0};
    struct m *m = m_enter();
    sched_each_thread(fill_one, &f);
    m_leave(m);
    *n = (int)f.n;
    return f.n <= f.room;
}

int prof_take_threads(struct prof_stack **to, size_t *n)
{
    gort_stack_record *r;
    int have = 0, room = 0;
    do {
        room = have + 8;
        r = gort_alloc_noscan((size_t)room * sizeof *r);
    } while (!gort_thread_create_profile(r, room, &have));
    struct prof_stack *s = gort_alloc((size_t)have * sizeof *s);
    for (int i = 0; i < have; i++) {
        int frames;
        s[i].pcs = r[i].stack0;
        (void)gort_stack_record_stack(&r[i], &frames);
        s[i].n = (size_t)frames;
    }
    *to = s;
    *n = (size_t)have;
    return 0;
}

int prof_write_threads(int fd, int debug)
{
    struct prof_stack *s;
    size_t n;
    int r = prof_take_threads(&s, &n);
    return r != 0 ? r : prof_write_counts("threadcreate", s, n, fd, debug);
}
