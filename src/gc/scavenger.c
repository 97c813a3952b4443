/* scavenger.c: the thread that gives free pages back in the background.
 *
 * Owns    the thread, how much time it may use, and what the end of a cycle does to free pages. What
 *         is given back, and when enough is, mem/scavenge.c knows.
 * Locks   none.
 * Instead of Go's controller of the sleeping time: the thread measures how long it worked, and then
 *         sleeps 99 times as long. That is 1% of a CPU whatever the kernel's work costs.
 */
#include "gc/gc_int.h"

#include "conf/conf.h"

static au32 started;

/* Works for about a millisecond; false if there was nothing to do. */
static bool work(int64_t *took_ns)
{
    int64_t began = os_nanotime();
    bool any = false;
    do {
        if (scavenge_background(SCAVENGE_STEP_BYTES) == 0)
            break;
        any = true;
        *took_ns = os_nanotime() - began;
    } while (*took_ns < SCAVENGE_WORK_NS);
    return any;
}

static void scavenger_main(void *arg)
{
    (void)arg;
    for (;;) {
        int64_t took_ns = 0;
        bool any = work(&took_ns);
        cpu_report(CPU_SCAVENGE_BACKGROUND, took_ns);
        if (any)
            os_sleep_ns(took_ns * SCAVENGE_PAUSE_TIMES);
        else
            scavenge_sleep();
    }
}

/* A refused thread is asked for again after the next cycle. */
void scavenge_start(void)
{
    if (cas_seq(&started, 0u, 1u) && sched_helper_start(scavenger_main, NULL) != 0)
        store_seq(&started, 0u);
}

void scavenge_swept(void)
{
    scavenge_start();
    if (knobs.scavenge > 0)
        scavenge_all();
    if (knobs.scavtrace > 0)
        scavenge_trace(false);
}

size_t scavenge_forced(void)
{
    size_t bytes = scavenge_all();
    if (knobs.scavtrace > 0)
        scavenge_trace(true);
    return bytes;
}
