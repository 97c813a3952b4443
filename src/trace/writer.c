/* writer.c: a trace goes to a descriptor.
 *
 * Owns    the goroutine that reads the trace and writes it, for gort_trace_start.
 * Locks   trace_control_lock for who waits for its end.
 * A write that fails ends the writing, not the trace: what comes later is read and thrown away, so that
 * nobody waits for ever, and gort_trace_stop says what failed.
 */
#include "trace/trace_int.h"

#include <gort/io.h>

#include <errno.h>

static struct {
    /* lock: */
    bool running;
    int fd;
    int error;
    struct g *waiter;
} writer;

int trace_write_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t k = gort_write(fd, at, n);
        if (k < 0 && *gort_errno_location() == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? *gort_errno_location() : EIO;
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

int trace_write_gen(int fd, const struct gen *g)
{
    int err = 0;
    for (const struct piece *p = g->first; p != NULL && err == 0; p = p->next)
        err = trace_write_all(fd, p->data, p->len);
    return err;
}

static void write_trace(void)
{
    const void *bytes;
    size_t len;
    int err = 0;
    while ((bytes = gort_read_trace(&len)) != NULL)
        if (err == 0)
            err = trace_write_all(writer.fd, bytes, len);
    struct m *m = m_enter();
    lock(&trace_control_lock);
    struct g *waiter = writer.waiter;
    writer.waiter = NULL;
    writer.running = false;
    writer.error = err;
    unlock(&trace_control_lock);
    if (waiter != NULL)
        ready(waiter);
    m_leave(m);
}

static void start_writer(void)
{
    struct start s = {.fn = write_trace};
    struct go_options o = {.system = true, .created_pc = (uintptr_t)__builtin_return_address(0)};
    m_enter();
    ready_tail(g_new(&s, &o));
    m_leave(self());
}

static int fail(int err)
{
    *gort_errno_location() = err;
    return err == 0 ? 0 : -1;
}

static bool set_running(bool running, int fd)
{
    struct m *m = m_enter();
    lock(&trace_control_lock);
    bool was = writer.running;
    if (!was || !running) {
        writer.running = running;
        writer.fd = fd;
        writer.error = 0;
    }
    unlock(&trace_control_lock);
    m_leave(m);
    return was;
}

int gort_trace_start(int fd)
{
    if (set_running(true, fd))
        return fail(EBUSY);
    int err = trace_control(OP_START);
    if (err != 0) {
        set_running(false, -1);
        return fail(err);
    }
    start_writer();
    return 0;
}

/* Waits for the writer; what it says. */
static int await_writer(void) NO_TSA
{
    m_enter();
    lock(&trace_control_lock);
    if (writer.running && writer.waiter == NULL) {
        writer.waiter = m_curg(self());
        park_unlock(&trace_control_lock, WAIT_TRACE);
        lock(&trace_control_lock);
    }
    int err = writer.error;
    writer.error = 0;
    unlock(&trace_control_lock);
    m_leave(self());
    return err;
}

int gort_trace_stop(void)
{
    int keep = *gort_errno_location();
    gort_stop_trace();
    int err = await_writer();
    if (err == 0 && trace_was_cut_off())
        err = ENOBUFS;
    *gort_errno_location() = keep;
    return err != 0 ? fail(err) : 0;
}
