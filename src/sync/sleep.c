/* sleep.c: a goroutine waits for a time.
 *
 * Order   the timer is started in the park's commit: it may fire at once, on another thread, and
 *         must find the goroutine off its stack. The sleeper's frame is gone when it wakes; the
 *         timer is idle by then, and its callback knows only the goroutine.
 */
#include "sched/sched.h"

#include <gort/time.h>

static void wake_sleeper(void *arg, int64_t now_ns)
{
    (void)now_ns;
    ready_tail(arg);
}

static bool start_sleep(struct g *g, void *arg)
{
    struct timer *t = arg;
    t->arg = g;
    sched_timer_start(t);
    return true;
}

void gort_sleep(int64_t ns)
{
    struct m *m = m_enter();
    if (ns <= 0) {
        m_leave(m);
        return;
    }
    struct timer t = {.when_ns = timer_deadline(os_nanotime(), ns), .fn = wake_sleeper};
    park(start_sleep, &t, WAIT_SLEEP);
    m_leave(self());
}

int64_t gort_nanotime(void)
{
    return os_nanotime();
}
