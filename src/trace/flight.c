/* flight.c: the flight recorder.
 *
 * Owns    the last complete generations. A generation says of itself all that a reader needs to know, so a
 *         file may begin with any of them.
 * Holds   1. The generations kept follow each other without a gap.
 *         2. Without the oldest of them, they would be younger than min_age_ns; or there is only one.
 *            Unless they are larger than max_bytes.
 * Locks   trace_control_lock.
 */
#include "trace/trace_int.h"

#include "os/os.h"

#include <errno.h>
#include <string.h>

static struct {
    /* lock: */
    struct gen *first, *last;
    uint32_t n;
    size_t bytes;
    gort_trace_flight_options options;
    bool on;
    char crash_path[4096];
} flight;

static void drop_first(void) REQUIRES(trace_control_lock)
{
    struct gen *g = flight.first;
    flight.first = g->next_flight;
    if (flight.first == NULL)
        flight.last = NULL;
    flight.n--;
    flight.bytes -= g->bytes;
    gen_drop(g);
}

const char *flight_crash_path(void)
{
    return flight.on && flight.crash_path[0] != '\0' ? flight.crash_path : NULL;
}

uint64_t flight_last_number(void)
{
    return flight.last != NULL ? flight.last->number : trace_generation - 1;
}

void flight_each_kept(void (*fn)(const struct gen *g))
{
    for (const struct gen *g = flight.first; g != NULL; g = g->next_flight)
        fn(g);
}

void flight_clear(void)
{
    while (flight.first != NULL)
        drop_first();
}

void flight_keep(struct gen *g, int64_t now_ns)
{
    if (g->cut) {
        flight_clear();
        return;
    }
    g->readers++;
    g->next_flight = NULL;
    *(flight.last != NULL ? &flight.last->next_flight : &flight.first) = g;
    flight.last = g;
    flight.n++;
    flight.bytes += g->bytes;
    while (flight.n > 1 &&
           (flight.bytes > flight.options.max_bytes ||
            now_ns - flight.first->next_flight->began_ns >= flight.options.min_age_ns))
        drop_first();
}

static int fail(int err)
{
    if (err == 0)
        return 0;
    *gort_errno_location() = err;
    return -1;
}

int gort_trace_flight_start(const gort_trace_flight_options *o)
{
    gort_trace_flight_options with = {0};
    if (o != NULL)
        with = *o;
    if (with.min_age_ns <= 0)
        with.min_age_ns = INT64_C(10000000000);
    if (with.max_bytes == 0)
        with.max_bytes = (size_t)10 << 20;
    if (with.crash_path != NULL && strlen(with.crash_path) >= sizeof flight.crash_path)
        return fail(ENAMETOOLONG);
    int err = trace_control(OP_FLIGHT_START);
    if (err != 0)
        return fail(err);
    struct m *m = m_enter();
    lock(&trace_control_lock);
    flight.options = with;
    flight.crash_path[0] = '\0';
    if (with.crash_path != NULL)
        memcpy(flight.crash_path, with.crash_path, strlen(with.crash_path) + 1);
    flight.options.crash_path = NULL;
    flight.on = true;
    unlock(&trace_control_lock);
    m_leave(m);
    return 0;
}

void gort_trace_flight_stop(void)
{
    trace_control(OP_FLIGHT_STOP);
    struct m *m = m_enter();
    lock(&trace_control_lock);
    flight.on = false;
    unlock(&trace_control_lock);
    m_leave(m);
}

struct kept {
    size_t n;
    struct gen *g[];
};

/* What is kept now, for a reader that takes its time. */
static struct kept *take_kept(void)
{
    struct m *m = m_enter();
    lock(&trace_control_lock);
    struct kept *k = os_map(sizeof *k + flight.n * sizeof k->g[0]);
    if (k != NULL)
        for (struct gen *g = flight.first; g != NULL; g = g->next_flight) {
            g->readers++;
            k->g[k->n++] = g;
        }
    unlock(&trace_control_lock);
    m_leave(m);
    return k;
}

static void put_kept(struct kept *k)
{
    struct m *m = m_enter();
    lock(&trace_control_lock);
    for (size_t i = 0; i < k->n; i++)
        gen_drop(k->g[i]);
    size_t bytes = sizeof *k + k->n * sizeof k->g[0];
    unlock(&trace_control_lock);
    os_unmap(k, bytes);
    m_leave(m);
}

int gort_trace_flight_write(int fd)
{
    int err = trace_control(OP_FLIGHT_NOW);
    if (err != 0)
        return fail(err);
    struct kept *k = take_kept();
    if (k == NULL)
        return fail(ENOMEM);
    if (k->n == 0) /* there was no memory for the last one's events */
        err = ENOMEM;
    else
        err = trace_write_all(fd, TRACE_HEADER, TRACE_HEADER_BYTES);
    for (size_t i = 0; i < k->n && err == 0; i++)
        err = trace_write_gen(fd, k->g[i]);
    put_kept(k);
    return fail(err);
}
