/* resolve.c: names of hosts.
 *
 * Owns    the gate that bounds how many threads wait in libc's resolver.
 * Holds   1. `inside` <= RESOLVERS; a leaver hands its place to the first in the queue.
 * Locks   gate.lock (rank iofd).
 * Instead of a resolver of our own: nsswitch.conf, its modules and local policy are libc's business.
 */
#include "io/io.h"

#include <gort/go.h>

#include <netdb.h>

#define RESOLVERS 64u

static struct {
    struct lock lock; /* rank iofd */
    /* lock: */
    uint32_t inside;
    struct waiting *first, *last;
} gate = {.lock = LOCK_INIT(iofd)};

struct waiting {
    struct g *g;
    struct waiting *next;
};

static PARKS NO_TSA void gate_enter(void)
{
    struct m *m = m_enter();
    lock(&gate.lock);
    if (gate.inside < RESOLVERS) {
        gate.inside++;
        unlock(&gate.lock);
    } else {
        struct waiting w = {m_curg(m), NULL};
        if (gate.first == NULL)
            gate.first = &w;
        else
            gate.last->next = &w;
        gate.last = &w;
        park_unlock(&gate.lock, WAIT_SEMACQUIRE);
    }
    m_leave(self());
}

static void gate_leave(void)
{
    (void)m_enter();
    lock(&gate.lock);
    struct waiting *w = gate.first;
    if (w != NULL)
        gate.first = w->next;
    else
        gate.inside--;
    unlock(&gate.lock);
    if (w != NULL)
        ready(w->g);
    m_leave(self());
}

struct question {
    const char *node, *service;
    const struct addrinfo *hints;
    struct addrinfo **res;
    int answer, err;
};

static void ask(void *arg)
{
    struct question *q = arg;
    q->answer = getaddrinfo(q->node, q->service, q->hints, q->res);
    q->err = errno;
}

PARKS int gort_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                           struct addrinfo **res)
{
    struct question q = {node, service, hints, res, 0, 0};
    if (io_can_park()) {
        gate_enter();
        gort_cgocall(ask, &q); /* modules of libc's may want a large stack */
        gate_leave();
    } else {
        ask(&q);
    }
    if (q.answer == EAI_SYSTEM)
        errno = q.err;
    return q.answer;
}
