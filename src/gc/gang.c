/* gang.c: the collector's own threads.
 *
 * Owns    the threads that mark and sweep. None has a P: the system's scheduler shares the CPUs
 *         between them and the program, and cycle.c decides how much they ask for. Member 0, the
 *         leader, runs the cycles; the others run what the leader hands to gang_run.
 * Holds   1. A member runs a job only between its `go` and its count in `left`.
 *         2. Members [1, alive) have started and wait, or run the current job.
 * Locks   none. The leader alone hands out jobs.
 * Order   the job is written before note_wake(go), read after note_sleep(go); what the members did
 *         happens before the leader's return by `left` and `done`.
 * Instead of goroutines with Ps, as Go has: a mark worker that holds a P keeps its goroutines waiting,
 *         and a machine of two CPUs has none to spare for whole time slices of 10 ms. A thread asks
 *         for 1 ms, and the end of a stop needs no scheduler.
 */
#include "gc/gc_int.h"

#include "base/track.h"

enum { GANG_MAX = 64 };

static struct {
    struct member {
        struct note go;
        au32 started;
    } member[GANG_MAX];
    /* leader: */
    gang_fn fn;
    void *arg;
    unsigned n, asked;
    struct note done;
    /* atomic: */
    au32 alive, left;
} gang;

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
    if (sched_helper_start(member_main, &gang.member[gang.asked]) == 0)
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
    store_seq(&gang.left, n - 1);
    for (unsigned i = 1; i < n; i++)
        note_wake(&gang.member[i].go);
    track_guesses(true);
    fn(0, n, arg);
    track_guesses(false);
    if (n > 1)
        note_sleep(&gang.done);
}
