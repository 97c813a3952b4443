/* cpu.c: where the CPU time went: runtime/metrics' /cpu/classes.
 *
 * Owns    what the collector and the scavenger report of their own time, and the arithmetic that shares out the
 *         rest between the program and idleness.
 * Holds   1. of two readings the later one is nowhere smaller.
 *         2. a reading holds all that was reported before; the rest is shared out as of a moment that is not
 *            longer than FRESH_NS ago: asking the kernel for the process's clock costs a third of a read of all
 *            metrics.
 *         3. there is nothing in the total that is in no class: the reader adds the classes up.
 * Locks   last.lock, rank cpu. The reports are atomic.
 *
 *   available      GOMAXPROCS times the time that has passed
 *   collector      what each of its threads measured; and of a stop, all Ps
 *   scavenger      what its thread, and who had to help it, measured
 *   program        the CPU time of the process, as the kernel counts it, less both
 *   idle           what is left
 *
 * Instead of a look at the clock whenever a P becomes idle or ceases to be, as Go has it: that is paid by each
 *         wake-up, and counts a P as busy whose thread waits for a CPU, or sleeps in a call that nobody
 *         announced. The kernel's count is not of Ps but of the process: its threads that are no goroutine's
 *         are the program's, too. A stop counts for all Ps though fewer worked, so the program's part is a
 *         little small, and never less than nothing.
 */
#include "gc/gc_int.h"

#include "base/timehist.h"

enum { FRESH_NS = 1000 * 1000 };

static ai64 reported[CPU_USES]; /* ns, since the start of the program */
static ai64
    in_stops_ns; /* of the process's CPU time, the collector's while the world stood still */
static ai64 by_child_ns;          /* reported, and not in the process's CPU time */
static int64_t process_before_ns; /* the process's CPU time at the start of the runtime */
struct timehist gc_pause_times;

static struct {
    struct lock lock; /* rank cpu */
    /* lock: */
    struct gc_cpu cpu; /* the latest reading */
    int64_t at_ns;     /* when the clocks were read for it */
} last = {.lock = LOCK_INIT(cpu)};

void gc_cpu_init(void)
{
    process_before_ns = os_process_cpu_ns();
}

void cpu_report(enum cpu_use use, int64_t ns)
{
    add_rlx(&reported[use], ns);
}

void cpu_report_child(int64_t ns)
{
    cpu_report(CPU_DEDICATED, ns);
    add_rlx(&by_child_ns, ns);
}

void cpu_report_stop(int64_t ns, uint32_t procs)
{
    timehist_count(&gc_pause_times, ns, 1);
    cpu_report(CPU_PAUSE, ns * procs);
    add_rlx(&in_stops_ns, ns);
}

static int64_t at_least(int64_t v, int64_t least)
{
    return v > least ? v : least;
}

static int64_t sum_of(const int64_t ns[CPU_USES])
{
    int64_t sum = 0;
    for (int i = 0; i < CPU_USES; i++)
        sum += ns[i];
    return sum;
}

void cpu_share_out(struct gc_cpu *cpu, int64_t available_ns, int64_t program_ns)
{
    int64_t rest = available_ns - sum_of(cpu->ns);
    int64_t more = rest - cpu->user_ns - cpu->idle_ns;
    if (more <= 0)
        return; /* reported late: what was taken for the program's or idle was the collector's */
    int64_t user = at_least(program_ns, cpu->user_ns) - cpu->user_ns;
    cpu->user_ns += user < more ? user : more;
    cpu->idle_ns += user < more ? more - user : 0;
}

static void reported_now(int64_t now[CPU_USES])
{
    for (int i = 0; i < CPU_USES; i++)
        now[i] = i == CPU_SCAVENGE_ASSIST ? scavenge_assist_ns() : load_rlx(&reported[i]);
}

/* The latest reading, if nobody has reported anything since, and it is young. */
static bool read_again(struct gc_cpu *cpu, int64_t now_ns)
{
    int64_t now[CPU_USES];
    reported_now(now);
    lock(&last.lock);
    bool fresh = last.at_ns != 0 && now_ns - last.at_ns < FRESH_NS;
    for (int i = 0; i < CPU_USES; i++)
        fresh &= now[i] <= last.cpu.ns[i];
    if (fresh)
        *cpu = last.cpu;
    unlock(&last.lock);
    return fresh;
}

void gc_cpu_read(struct gc_cpu *cpu)
{
    int64_t now[CPU_USES], now_ns = os_nanotime();
    if (read_again(cpu, now_ns))
        return;
    int64_t process_ns = os_process_cpu_ns() - process_before_ns;
    int64_t theirs_ns = load_rlx(&in_stops_ns) - load_rlx(&by_child_ns);
    reported_now(now);
    for (int i = 0; i < CPU_USES; i++)
        theirs_ns += i != CPU_PAUSE ? now[i] : 0;
    now_ns = os_nanotime();
    lock(&last.lock);
    for (int i = 0; i < CPU_USES; i++)
        last.cpu.ns[i] = at_least(now[i], last.cpu.ns[i]);
    cpu_share_out(&last.cpu, sched_procs_ns(now_ns), process_ns - theirs_ns);
    last.at_ns = now_ns;
    *cpu = last.cpu;
    unlock(&last.lock);
}
