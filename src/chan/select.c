/* select.c: waiting for the first of several channels.
 *
 * Owns    which case of a select runs.
 * Locks   the channels', in address order, each once, when all are needed.
 * Order   `changes` of a channel grows before whatever makes one of its cases ready; see below.
 *
 * A select goes as far down this list as it must:
 *
 *   look      reads the cases without locks and picks one that seems ready, each with the same chance
 *             (the k-th that is found replaces the pick with probability 1/k).
 *   run       locks the picked channel alone and does the operation, if it is still possible.
 *   lock all  looks again with all channels locked. Nothing can change now, so finding nothing is
 *             final: with a default it is taken, else
 *   wait      the goroutine queues up in every channel, and parks. Whoever wants to serve one of these
 *             waiters first swaps g->select_done from 0 to 1; so one of them is served.
 *   leave     the others are taken out of their queues, one channel after the other.
 *
 * Running the pick is right because the operation is possible at the moment it is done; that other
 * cases have become ready since the look is as if they had become ready after it.
 *
 * Taking the default without a lock needs more: that at one moment no case was ready. Seeing each
 * unready at a moment of its own is not enough: an element may have been moved past us, from a
 * channel not yet looked at to one looked at before, so that always some case was ready. Hence the
 * sum of all `changes` is taken on the way and again at the end. If it is the same, then no channel
 * became ready between its look and the end of the looks, so at that end all were unready. (Each
 * counter only grows, and grows before the change, and the loads of the look are acquires: a change
 * that we have seen, or that happened before one we have seen, is counted in the second sum.)
 *
 * Instead of a permutation of all cases, locks on all channels and a record per case, which is Go's
 * way and costs most selects three quarters of their time for nothing: most have a case ready or a
 * default.
 */
#include "chan/chan.h"

#include "base/rand.h"
#include "base/track.h"
#include "conf/limits.h"
#include "gc/gc.h"
#include "gc/up.h"
#include "panic/panic.h"
#include "sched/sched.h"
#include "sync/blocked.h"

enum {
    NONE = -1,
    TRIES = 2, /* looks without all locks, before it is worth taking them */
};

static inline bool case_looks_ready(const gort_select_case *k)
{
    return k->dir == GORT_SELECT_SEND ? chan_looks_sendable(k->chan)
                                      : chan_looks_receivable(k->chan);
}

/* Picks one of the cases that look ready, or NONE; *changes is the sum before the looks. */
static inline int look(struct m *m, const gort_select_case *cases, int n, uint64_t *changes)
{
    int pick = NONE;
    uint32_t found = 0;
    uint64_t sum = 0;
    for (int i = 0; i < n; i++) {
        struct gort_chan *c = cases[i].chan;
        if (c == NULL)
            continue;
        sum += load_acq(&c->changes); /* pairs with the store_rel of what changed */
        if (!case_looks_ready(&cases[i]))
            continue;
        found++;
        if (found == 1 || rand_below(&m_p(m)->rand, found) == 0)
            pick = i;
    }
    *changes = sum;
    return pick;
}

static inline uint64_t sum_changes(const gort_select_case *cases, int n)
{
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        if (cases[i].chan != NULL)
            sum += load_rlx(&cases[i].chan->changes); /* after the acquires of look() */
    return sum;
}

static inline enum chan_try case_run_now(const gort_select_case *k)
{
    return k->dir == GORT_SELECT_SEND ? chan_send_now(k->chan, k->elem.src)
                                      : chan_recv_now(k->chan, k->elem.dst);
}

/* ---- with all channels locked */

struct select {
    const gort_select_case *cases;
    int n;
    unsigned nlocks;
    struct gort_chan **locks; /* the channels, each once, in address order */
    struct waiter *waiters;   /* one for each case; those of NULL channels are not used */
};

static void sift_down(struct gort_chan **a, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && (uintptr_t)a[child] < (uintptr_t)a[child + 1])
            child++;
        if ((uintptr_t)a[i] >= (uintptr_t)a[child])
            return;
        struct gort_chan *c = a[i];
        a[i] = a[child];
        a[child] = c;
    }
}

/* In place and without recursion: there may be 65536. */
static void heap_sort(struct gort_chan **a, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(a, i, n);
    while (n > 1) {
        struct gort_chan *c = a[--n];
        a[n] = a[0];
        a[0] = c;
        sift_down(a, 0, n);
    }
}

static void insertion_sort(struct gort_chan **a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct gort_chan *c = a[i];
        size_t at = i;
        for (; at > 0 && (uintptr_t)a[at - 1] > (uintptr_t)c; at--)
            a[at] = a[at - 1];
        a[at] = c;
    }
}

/* Fills in the channels to lock. */
static void select_order(struct select *s)
{
    size_t n = 0, unique = 0;
    for (int i = 0; i < s->n; i++)
        if (s->cases[i].chan != NULL)
            s->locks[n++] = s->cases[i].chan;
    if (n <= 16)
        insertion_sort(s->locks, n);
    else
        heap_sort(s->locks, n);
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || s->locks[unique - 1] != s->locks[i])
            s->locks[unique++] = s->locks[i];
    s->nlocks = (unsigned)unique;
}

static void select_lock(const struct select *s) NO_TSA
{
    for (unsigned i = 0; i < s->nlocks; i++)
        lock(&s->locks[i]->lock);
}

/* Also the park's commit: as soon as the last lock is free, `s` and its frame may be gone. (Not
 * before: the goroutine, if woken already, takes each of these locks in select_leave, except that
 * of the channel that woke it, which was free then.) */
static void select_unlock(const struct select *s) NO_TSA
{
    struct gort_chan **locks = s->locks;
    unsigned n = s->nlocks;
    for (unsigned i = 0; i < n; i++)
        unlock(&locks[i]->lock);
}

static bool select_commit(struct g *g, void *arg)
{
    (void)g;
    select_unlock(arg);
    return true;
}

/* One of the cases that can run now is run; NONE if none can. A case that looks ready and is not
 * has a decided select in the way, which is gone afterwards. */
static int select_try(struct m *m, const struct select *s, enum chan_try *r, struct g **wake) NO_TSA
{
    uint64_t changes;
    int pick;
    while ((pick = look(m, s->cases, s->n, &changes)) != NONE) {
        const gort_select_case *k = &s->cases[pick];
        *r = k->dir == GORT_SELECT_SEND ? chan_put(k->chan, k->elem.src, wake)
                                        : chan_take(k->chan, k->elem.dst, wake);
        if (*r != CHAN_WAIT)
            return pick;
    }
    return NONE;
}

static struct waitq *case_queue(const gort_select_case *k)
{
    return k->dir == GORT_SELECT_SEND ? &k->chan->senders : &k->chan->receivers;
}

static void select_enqueue(const struct select *s, struct g *g) NO_TSA
{
    store_rlx(&g->select_done, 0u);
    for (int i = 0; i < s->n; i++) {
        const gort_select_case *k = &s->cases[i];
        if (k->chan == NULL)
            continue;
        struct waiter *w = &s->waiters[i];
        *w = (struct waiter){.g = g, .c = k->chan, .select = true};
        if (k->dir == GORT_SELECT_SEND)
            w->elem.src = k->elem.src;
        else
            w->elem.dst = k->elem.dst;
        chan_enqueue(k->chan, case_queue(k), w);
    }
}

/* Takes the waiters that were not served out of their queues. Each lock is taken even if the waiter
 * is out already: select_unlock may still be on its way there. */
static void select_leave(const struct select *s, const struct waiter *served)
{
    for (int i = 0; i < s->n; i++) {
        struct gort_chan *c = s->cases[i].chan;
        if (c == NULL || &s->waiters[i] == served)
            continue;
        lock(&c->lock);
        chan_dequeue(case_queue(&s->cases[i]), &s->waiters[i]);
        unlock(&c->lock);
    }
}

/* Waits for one case to be served. All channels are locked before and none after. */
PARKS static int select_wait(struct m *m, const struct select *s, enum chan_try *r)
{
    struct g *g = m_curg(m);
    int64_t since = blocked_since();
    g->param = (void *)(uintptr_t)s; /* until somebody serves it */
    select_enqueue(s, g);
    park(select_commit, (void *)(uintptr_t)s, WAIT_SELECT);
    const struct waiter *served = g->param;
    g->param = NULL;
    select_leave(s, served);
    *r = served->ok ? CHAN_DONE : CHAN_CLOSED;
    blocked_until_now(since, NULL);
    return (int)(served - s->waiters);
}

bool chan_of_case(const void *select, unsigned i, const void **chan)
{
    const struct select *s = select;
    if (i >= (unsigned)s->n)
        return false;
    *chan = s->cases[i].chan;
    return true;
}

PARKS static int select_all(struct m *m, struct select *s, bool block, enum chan_try *r)
{
    struct g *wake = NULL;
    select_order(s);
    select_lock(s);
    int pick = select_try(m, s, r, &wake);
    if (pick == NONE && block)
        return select_wait(m, s, r);
    select_unlock(s);
    if (wake != NULL)
        ready(wake);
    return pick;
}

/* Finds room for what waiting needs: in this frame, or for many cases on the heap. */
PARKS static NOINLINE int select_slow(struct m *m, const gort_select_case *cases, int n, bool block,
                                      enum chan_try *r)
{
    struct waiter waiters[SELECT_STACK_CASES];
    struct gort_chan *locks[SELECT_STACK_CASES];
    struct select s = {.cases = cases, .n = n, .locks = locks, .waiters = waiters};
    if ((unsigned)n > SELECT_STACK_CASES) {
        s.waiters = gc_alloc((size_t)n * sizeof *s.waiters, OBJ_CONSERVATIVE);
        s.locks = gc_alloc((size_t)n * sizeof *s.locks, OBJ_CONSERVATIVE);
    }
    return select_all(m, &s, block, r);
}

/* ---- the way down */

PARKS static int select_go(const gort_select_case *cases, int n, bool block, enum chan_try *r)
{
    struct m *m = m_enter();
    uint64_t changes;
    for (int i = 0; i < TRIES; i++) {
        int pick = look(m, cases, n, &changes);
        if (pick != NONE) {
            *r = case_run_now(&cases[pick]);
            if (likely(*r != CHAN_WAIT)) {
                m_leave(m);
                return pick;
            }
        } else if (block) {
            break;
        } else if (likely(sum_changes(cases, n) == changes)) {
            m_leave(m);
            return NONE;
        }
    }
    int pick = select_slow(m, cases, n, block, r);
    m_leave(self());
    return pick;
}

/* ThreadSanitizer: the element was read or written in the program's name, by the statement at `pc`. */
static COLD void case_track(const gort_select_case *k, const void *pc)
{
    bool sends = k->dir == GORT_SELECT_SEND;
    if (sends)
        track_access(&k->chan->closed, sizeof k->chan->closed, pc, false);
    track_access(k->elem.src, k->chan->elem_bytes, pc, !sends);
    if (k->ok != NULL)
        track_access(k->ok, sizeof *k->ok, pc, true);
}

/* What the program sees of a case that ran; sends on closed channels panic here, outside. */
static inline int finish(const gort_select_case *cases, int pick, enum chan_try r, const void *pc)
{
    if (pick == NONE)
        return NONE;
    const gort_select_case *k = &cases[pick];
    if (track_is(TRACK_RACES))
        case_track(k, pc);
    if (k->ok != NULL)
        *k->ok = r == CHAN_DONE;
    if (unlikely(r == CHAN_CLOSED) && k->dir == GORT_SELECT_SEND)
        chan_panic_closed();
    return pick;
}

static inline void check_count(int n)
{
    if (unlikely((unsigned)n > SELECT_MAX_CASES))
        panic_string("reflect.Select: too many cases (max 65536)");
}

int gort_select(const gort_select_case *cases, int n)
{
    enum chan_try r = CHAN_WAIT;
    check_count(n);
    if (n == 0) {
        m_enter();
        park_forever(WAIT_SELECT_NONE);
    }
    int pick = select_go(cases, n, true, &r);
    return finish(cases, pick, r, __builtin_return_address(0));
}

int gort_select_default(const gort_select_case *cases, int n)
{
    enum chan_try r = CHAN_WAIT;
    check_count(n);
    int pick = select_go(cases, n, false, &r);
    return finish(cases, pick, r, __builtin_return_address(0));
}
