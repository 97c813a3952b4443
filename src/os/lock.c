/* lock.c: futex locks and notes; in debug builds, the order of locks.
 *
 * Holds   1. A thread holds locks in the order of base/ranks.def; of one rank (RANK_chan,
 *            RANK_timers) several, in ascending address order.
 * Order   lock() acquires what the previous unlock() released. note_sleep acquires what note_wake
 *         released.
 */
#include "os/os.h"
#include "base/check.h"
#include "base/fmt.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPINS = 4, SPIN_PAUSES = 30 };

static void futex_wait(au32 *word, uint32_t value, const struct timespec *timeout)
{
    int keep = errno;
    syscall(SYS_futex, &word->v, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
    errno = keep;
}

static void futex_wake(au32 *word)
{
    int keep = errno;
    syscall(SYS_futex, &word->v, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = keep;
}

void lock_slow(struct lock *l)
{
    int spins = os_cpu_count() > 1 ? SPINS : 0;
    for (int i = 0; i < spins; i++) {
        if (load_rlx(&l->state) == 0 && cas_acq(&l->state, 0u, 1u))
            return;
        cpu_relax(SPIN_PAUSES);
    }
    os_thread_yield();
    while (swap_acq(&l->state, 2u) != 0)
        futex_wait(&l->state, 2, NULL);
}

void lock_wake(struct lock *l)
{
    futex_wake(&l->state);
}

const char *lock_rank_name(unsigned rank)
{
    static const char *const names[] = {
#define RANK(name, text) #name,
#include "base/ranks.def"
#undef RANK
    };
    return rank < RANK_COUNT ? names[rank] : "?";
}

#ifdef GORT_DEBUG
/* A lock in fresh memory gets its rank from whoever comes, perhaps from several: io/iofd.c. */
static uint32_t rank_of(const struct lock *l)
{
    return __atomic_load_n(&l->rank, __ATOMIC_RELAXED);
}

enum { HELD_MAX = 1024 };
static __thread struct lock *held[HELD_MAX];
static __thread unsigned nheld;
static __thread unsigned nbeyond; /* held too, but only counted: a select may lock 65536 channels */

unsigned locks_held(void)
{
    return nheld + nbeyond;
}

void locks_forget(void)
{
    nheld = nbeyond = 0;
}

void lock_note_acquired(struct lock *l)
{
    if (nheld > 0 && nbeyond == 0) {
        struct lock *top = held[nheld - 1];
        if (rank_of(l) < rank_of(top) || (rank_of(l) == rank_of(top) && l <= top)) {
            print("lock rank %s taken while holding %s\n", lock_rank_name(rank_of(l)),
                  lock_rank_name(rank_of(top)));
            throw("lock taken out of order");
        }
    }
    if (nheld < HELD_MAX)
        held[nheld++] = l;
    else
        nbeyond++;
}

void lock_note_released(struct lock *l)
{
    for (unsigned i = nheld; i-- > 0;) {
        if (held[i] == l) {
            for (; i + 1 < nheld; i++)
                held[i] = held[i + 1];
            nheld--;
            return;
        }
    }
    if (nbeyond == 0)
        throw("unlock of a lock that this thread does not hold");
    nbeyond--;
}
#endif

void note_clear(struct note *n)
{
    store_rlx(&n->raised, 0u);
}

void note_wake(struct note *n)
{
    if (swap_acq_rel(&n->raised, 1u) == 0)
        futex_wake(&n->raised);
}

void note_sleep(struct note *n)
{
    while (load_acq(&n->raised) == 0) /* pairs with note_wake */
        futex_wait(&n->raised, 0, NULL);
}

bool note_sleep_for(struct note *n, int64_t ns)
{
    int64_t deadline = os_nanotime() + ns;
    for (;;) {
        if (load_acq(&n->raised) != 0) /* pairs with note_wake */
            return true;
        if (ns <= 0)
            return false;
        struct timespec ts = {ns / 1000000000, ns % 1000000000};
        futex_wait(&n->raised, 0, &ts);
        ns = deadline - os_nanotime();
    }
}
