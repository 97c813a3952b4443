/* cputimer.c: signals in proportion to the CPU time that threads use.
 *
 * Owns    SIGPROF's timers: one of each thread that is to have one, and the process's.
 * A thread's own timer is a POSIX timer on its CPU clock: it sends its signals to that thread (si_code
 * SI_TIMER), and is inherited neither by fork nor by exec. The process's is ITIMER_PROF: the kernel sends its
 * signal (SI_KERNEL) to the thread that runs when it is due. A POSIX timer on the process's clock sends it to
 * the first thread on kernels before 6.4. exec keeps ITIMER_PROF.
 */
#include "os/os.h"

#include "os/call.h"
#include "os/fault.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static int64_t create(int tid, clockid_t clock)
{
    struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    int id;
    e.sigev_notify_thread_id = tid;
    int64_t r = FAULT(cpu_timer) ? -EAGAIN : os_call3(SYS_timer_create, clock, &e, &id);
    return r < 0 ? r : id;
}

int64_t os_cpu_timer_start(int tid, clockid_t clock, int64_t first_ns, int64_t period_ns)
{
    struct itimerspec at = {
        .it_value = {first_ns / 1000000000, first_ns % 1000000000},
        .it_interval = {period_ns / 1000000000, period_ns % 1000000000},
    };
    int64_t id = create(tid, clock);
    if (id < 0)
        return id;
    int64_t r = os_call4(SYS_timer_settime, id, TIMER_ABSTIME, &at, NULL);
    if (r >= 0)
        return id;
    os_cpu_timer_stop(id);
    return r;
}

void os_cpu_timer_stop(int64_t id)
{
    (void)os_call1(SYS_timer_delete, id);
}

int os_cpu_timer_of_process(int64_t period_ns)
{
    int64_t us = (period_ns + 999) / 1000;
    struct itimerval every = {{us / 1000000, us % 1000000}, {us / 1000000, us % 1000000}};
    return (int)os_call3(SYS_setitimer, ITIMER_PROF, &every, NULL);
}
