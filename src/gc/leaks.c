/* leaks.c: goroutines that wait for what nobody else can reach.
 *
 * Owns    the search for them: a second marking, at the end of a cycle that was asked to. It begins at all
 *         roots but the stacks of those that wait in a channel, a select or a lock; when it has found what
 *         one of them waits for, it goes on from that one's stack. Those that are left are leaked.
 * Holds   1. Nobody can wake a leaked goroutine, as long as the program keeps the addresses of channels and
 *            locks where the collector looks (README, "Memory").
 *         2. What is not an object of the heap counts as reachable, and so does what a stale word on a stack
 *            leads to: the search may miss one, and accuses none wrongly.
 *         3. The search of a child is believed only if the child ended as it should.
 *         4. A stack's word that is the end of one channel and the beginning of the next means the next: else
 *            one goroutine that is no leak would hide its neighbours, one after the other.
 * Locks   none. One search at a time: prof/goroutine.c sees to that.
 *
 * Usually a child process searches, in its copy of the memory, so the stop lasts as long as copying page
 * tables does. Where no child is to be had the search is in the stop.
 */
#include "gc/scan.h"

#include "gc/up.h"
#include "sched/sched.h"

#include <errno.h>
#include <sys/wait.h>

enum state {
    IDLE,
    WANTED,      /* the next cycle searches */
    WANTED_HERE, /* and not in a child */
    IN_CHILD,    /* a child searches */
    FOUND,
    NO_MEMORY,
};

/* Shared with the child. Entries are goroutines while they are looked at, then ids. */
struct leak_list {
    au32 done;
    size_t n;
    uint64_t at[];
};

static struct {
    au32 state; /* whoever asks sets it to WANTED; the leader, in the stop, to what comes of it */
    int pid;    /* of the child */
    struct leak_list *list;
    size_t bytes;
} search;

/* ---- the search */
static bool is_reachable(const void *p)
{
    struct object o;
    return !check_slot_at((uintptr_t)p, &o) || gc_is_marked(&o);
}

static bool any_case_is_reachable(const void *select)
{
    const void *chan;
    for (unsigned i = 0; chan_of_case(select, i, &chan); i++)
        if (chan != NULL && is_reachable(chan))
            return true;
    return false;
}

/* As far as is known by now. */
static bool can_be_woken(const struct g *g)
{
    switch (load_rlx(&g->wait_reason)) {
    case WAIT_CHAN_RECV_NIL:
    case WAIT_CHAN_SEND_NIL:
    case WAIT_SELECT_NONE:
        return false;
    case WAIT_SELECT:
        return any_case_is_reachable(g->param);
    default:
        return g->param == NULL || is_reachable(g->param);
    }
}

static bool waits_for_others(const struct g *g)
{
    switch (load_rlx(&g->wait_reason)) {
    case WAIT_CHAN_RECV_NIL:
    case WAIT_CHAN_SEND_NIL:
    case WAIT_SELECT_NONE:
    case WAIT_SELECT:
    case WAIT_CHAN_RECV:
    case WAIT_CHAN_SEND:
    case WAIT_SEMACQUIRE:
    case WAIT_COND:
    case WAIT_MUTEX:
    case WAIT_RWMUTEX_LOCK:
    case WAIT_RWMUTEX_RLOCK:
        return true;
    default:
        return false;
    }
}

/* Leaves the stacks of those out of which this is not known yet. */
static bool leave_out(struct g *g, void *arg)
{
    struct leak_list *l = arg;
    bool candidate = !g->system && !g->foreign && load_rlx(&g->status) == G_WAITING &&
                     g_is_parked(g) && waits_for_others(g) && !can_be_woken(g);
    if (candidate)
        l->at[l->n++] = (uintptr_t)g;
    return candidate;
}

static const struct g *candidate(const struct leak_list *l, size_t i)
{
    return (const struct g *)(uintptr_t)l->at[i];
}

/* Marks from those that turn out to be reachable; false: there was none. */
static bool let_go(struct marker *mk, struct leak_list *l)
{
    size_t left = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!can_be_woken(candidate(l, i))) {
            l->at[left++] = l->at[i];
            continue;
        }
        stacks_mark_one(mk, candidate(l, i));
        mark_drain(mk, SIZE_MAX);
    }
    bool any = left < l->n;
    l->n = left;
    return any;
}

/* Shell's sort. */
static void sort(uint64_t *v, size_t n)
{
    for (size_t gap = n / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < n; i++) {
            uint64_t x = v[i];
            size_t at = i;
            for (; at >= gap && v[at - gap] > x; at -= gap)
                v[at] = v[at - gap];
            v[at] = x;
        }
    }
}

/* Nothing is marked yet. */
static void look(void *list)
{
    struct leak_list *l = list;
    struct marker *mk = marker_take();
    mk->exact = true; /* 4 */
    roots_mark(mk, 0, 1, true);
    stacks_mark_threads(mk, 0, 1);
    specials_mark(mk, 0, 1);
    final_mark(mk);
    mark_drain(mk, SIZE_MAX);
    stacks_mark_but(mk, leave_out, l);
    mark_drain(mk, SIZE_MAX);
    while (let_go(mk, l))
        continue;
    mk->exact = false;
    marker_put(mk);
    for (size_t i = 0; i < l->n; i++)
        l->at[i] = candidate(l, i)->id;
    sort(l->at, l->n);
    store_rel(&l->done, 1u); /* pairs with ends_well */
}

static void look_in_child(void *list)
{
    work_reset_in_child();
    mem_unshare_marks();
    gc_unmark_all();
    look(list);
}

void leaks_look(void)
{
    enum state asked = (enum state)load_acq(&search.state); /* pairs with cycle */
    if (asked != WANTED && asked != WANTED_HERE)
        return;
    search.bytes = sizeof *search.list + stack_count_taken() * sizeof search.list->at[0];
    search.list = os_map_shared(search.bytes);
    enum state now = search.list == NULL ? NO_MEMORY : FOUND;
    if (search.list != NULL && asked == WANTED) {
        mem_keep_from_child(true);
        search.pid = os_clone_child(look_in_child, search.list);
        mem_keep_from_child(false);
        if (search.pid > 0)
            now = IN_CHILD;
    }
    if (now == FOUND)
        gc_with_marks_aside(look, search.list);
    store_rel(&search.state, (uint32_t)now); /* pairs with cycle */
}

/* ---- whoever asks */
static void drop(void)
{
    os_unmap(search.list, search.bytes);
    search.list = NULL;
}

static PARKS enum state cycle(enum state want)
{
    store_rel(&search.state, (uint32_t)want); /* pairs with leaks_look */
    do
        gc_collect(); /* may be one that had looked before */
    while (load_acq(&search.state) == (uint32_t)want);
    return (enum state)load_acq(&search.state); /* pairs with leaks_look */
}

static bool ends_well(int status)
{
    return status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
           load_acq(&search.list->done) != 0; /* pairs with look */
}

int gc_find_leaks(struct gc_leaks *found)
{
    m_enter();
    enum state s = cycle(WANTED);
    m_leave(self());
    if (s == IN_CHILD) {
        sched_enter_syscall();
        int status = os_child_wait(search.pid);
        sched_exit_syscall();
        s = ends_well(status) ? FOUND : WANTED_HERE;
    }
    if (s == WANTED_HERE) {
        drop();
        m_enter();
        s = cycle(WANTED_HERE);
        m_leave(self());
    }
    store_rlx(&search.state, (uint32_t)IDLE);
    if (s == NO_MEMORY)
        return -ENOMEM;
    *found = (struct gc_leaks){search.list->at, search.list->n};
    return 0;
}

void gc_drop_leaks(void)
{
    drop();
}

bool gc_is_leaked(const struct gc_leaks *l, uint64_t id)
{
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->id[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->n && l->id[lo] == id;
}
