/* gang.c: the collector's own threads.
 *
 * Owns    the threads that mark and sweep. None has a P: the system's scheduler shares the CPUs
 *         between them and the program, and cycle.c decides how much they ask for. Member 0, the
 *         leader, runs the cycles; the others run what the leader hands to gang_run.
 * Holds   1. Member i runs share i of a job only if it took it: `share` from OFFERED to NONE. Who took a
 *            share, the member or the leader, counts it in `left` when it is done.
 *         2. Members [1, alive) have started and wait, or run the current job.
 *         3. When the last share of a job was a member's, the leader sleeps until that one woke it.
 * Locks   none. The leader alone hands out jobs.
 * Order   the job is written before a share is offered, read after it was taken; what the members did
 *         happens before the leader's return by `left` and `done`.
 * A member that the system has not let run by the time the leader is done loses its share to the leader: else
 * a stop of a quarter of a millisecond waits for some other program's time slice to end, 4 ms or more.
 * Instead of goroutines with Ps, as Go has: a mark worker that holds a P keeps its goroutines waiting,
 *         and a machine of two CPUs has none to spare for whole time slices of 10 ms. A thread asks
 *         for 1 ms, and the end of a stop needs no scheduler.
 */
#include "gc/gc_int.h"

#include "base/track.h"
#include "os/fault.h"

enum { GANG_MAX = 64 };
enum share { NONE, OFFERED };

static struct {
    struct member {
        struct note go;
        au32 started;
        au32 share; /* enum share */
    } member[GANG_MAX];
    /* leader: */
    gang_fn fn;
    void *arg;
    unsigned n, asked;
    struct note done;
    /* atomic: */
    au32 alive, left;
} gang;

static bool take_share(unsigned i)
{
    return cas_seq(&gang.member[i].share, (uint32_t)OFFERED, (uint32_t)NONE);
}

static void member_main(void *arg)
{
    struct member *me = arg;
    unsigned i = (unsigned)(me - gang.member);
    self()->kind = M_COLLECTOR;
    store_rel(&me->started, 1u);
    add_seq(&gang.alive, 1u);
    for (;;) {
        note_sleep(&me->go);
        note_clear(&me->go);
        if (!take_share(i))
            continue; /* the leader was faster */
        track_guesses(true);
        gang.fn(i, gang.n, gang.arg);
        track_guesses(false);
        if (sub_seq(&gang.left, 1u) == 1)
            note_wake(&gang.done);
    }
}

/* Threads are made one after the other, so that `alive` is also who is alive. */
void gang_grow(unsigned n)
{
    if (n > GANG_MAX)
        n = GANG_MAX;
    if (gang.asked == 0)
        gang.asked = 1; /* the leader */
    if (gang.asked >= n || gang.asked != gang_size())
        return;
    if (!FAULT(collector_thread) && sched_helper_start(member_main, &gang.member[gang.asked]) == 0)
        gang.asked++;
}

unsigned gang_size(void)
{
    return load_seq(&gang.alive) + 1;
}

void gang_run(gang_fn fn, void *arg, unsigned n)
{
    if (n > gang_size())
        n = gang_size();
    gang.fn = fn;
    gang.arg = arg;
    gang.n = n;
    note_clear(&gang.done);
    store_seq(&gang.left, n);
    for (unsigned i = 1; i < n; i++) {
        store_seq(&gang.member[i].share, (uint32_t)OFFERED);
        note_wake(&gang.member[i].go);
    }
    uint32_t mine = 1;
    track_guesses(true);
    fn(0, n, arg);
    for (unsigned i = 1; i < n; i++) {
        if (take_share(i)) {
            fn(i, n, arg);
            mine++;
        }
    }
    track_guesses(false);
    if (sub_seq(&gang.left, mine) != mine)
        note_sleep(&gang.done);
}
