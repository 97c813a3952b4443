/* shot.c: where all goroutines are at one instant, while the program goes on.
 *
 * Owns    the shot: which goroutines are in it, from where each is looked at, and the memory it is in.
 *
 *   stop     world_stop_all: this is the instant. Goroutines that have a thread, be they running, in a call, in
 *            a signal handler or asleep in place, are noted here: as many as there are threads. A new epoch
 *            begins, and PROBE_SHOT.
 *   walk     The world runs. All others, which wait or are runnable, are where g->ctx says until somebody
 *            switches to them. The walk goes over all slots and notes them one by one; who switches to one
 *            that is not noted yet does it first (prof_shot_moves).
 *   end      The walk is over: PROBE_SHOT is off, nobody writes any more.
 *
 * Each slot has a word (stack_word), which the death of a goroutine and the loss of its pages do not change:
 *
 *                      claim                         settle
 *        anything else -------> BUSY of this epoch --------> done in this epoch
 *              |                one thread looks             noted, or not in the shot
 *              +---------------------------------------------------^
 *                               born after the instant
 *
 * Holds   1. Who is alive at the instant and has no thread then cannot run before its word is done. So it
 *            is noted once, as it was: stack, labels, whether it is shown.
 *         2. The word of a goroutine that is born after the instant is done before its status says that it is
 *            alive (prof_shot_created). So who has read such a status after the instant, and then claims
 *            the word, has somebody who was alive at the instant and has not moved since.
 *         3. What is claimed is settled soon: the claimer is inside the runtime, is not pre-empted, takes no
 *            lock and waits for nobody. So others may wait for it, with locks held.
 *         4. When the walk has passed a slot, its word is done, or it was empty then.
 *         5. A switch and a birth happen inside the runtime with a P: never across a stop. So nobody
 *            acts for an epoch that is over; who has seen PROBE_SHOT too late finds words that are done.
 *         6. shot.stacks is a root of the collector until the shot is dropped: labels in it live.
 * Locks   one_shot, a mutex for goroutines: from the instant to the end of the walk.
 * Order   settle's store_rel pairs with claim's load_acq: what a looker has read is read before the goroutine runs
 *         on, and what it has noted is there when the walk is over. The epoch changes while no thread with a P
 *         runs.
 * Instead of a walk within the stop: 100,000 goroutines take some tens of milliseconds. And instead of words in
 *         struct g: a dead one's page may be given back between the look at its status and the claim, and the
 *         word would be anything else again.
 *
 * test/model/shot.pml is this protocol. Leaked goroutines are noted within a stop: the answer to who is leaked
 * belongs to one, and so does g->leaked.
 *
 * Each stack begins with the public function that the goroutine waits in, without what that one calls inside
 * the runtime. Of a thread asleep in a call where no signal reaches it (`loose`, stw.c) nothing is known but
 * the goroutine's function.
 */
#include "prof/shot.h"

#include "base/probe.h"
#include "dump/cgo.h"
#include "gc/gc.h"
#include "mem/mem.h"
#include "sched/sched.h"
#include "sched/up.h"
#include "symb/symb.h"

#include <gort/go.h>
#include <gort/mem.h>
#include <gort/sync.h>

#include <errno.h>
#include <string.h>

enum { FRAMES = 128, SPARE = 256 };

/* ---- one goroutine */
/* Without what a public function of the runtime calls. */
static size_t without_insides(uintptr_t *pcs, size_t n)
{
    size_t skip = 0;
    while (skip < n && symb_in_own_text(pcs[skip]))
        skip++;
    if (skip < 2)
        return n;
    skip--;
    memmove(pcs, pcs + skip, (n - skip) * sizeof *pcs);
    return n - skip;
}

/* Where one with a thread is; false if nobody knows. */
static STW bool place_of(struct g *g, struct context *at, bool *exact)
{
    const void *sigctx = g->sigctx;
    struct m *m = load_rlx(&g->m);
    if (sigctx != NULL) {
        arch_ucontext_to_context(sigctx, at);
        *exact = true;
        return true;
    }
    bool runs = load_rlx(&g->status) == G_RUNNING && m != NULL && load_rlx(&m->curg) == g;
    *at = g->ctx;
    *exact = false;
    return !runs || load_rlx(&m->announced) > (g->foreign ? 1u : 0u);
}

static size_t walk_from(const struct g *g, const struct context *at, bool exact,
                        const struct stack *other, uintptr_t *pcs)
{
    size_t n = symb_backtrace(at, exact, &g->stack, other, pcs, FRAMES);
    return cgo_complete(g, g->sigctx, pcs, n, FRAMES);
}

static size_t trimmed(const struct g *g, uintptr_t *pcs, size_t n)
{
    n = without_insides(pcs, prof_without_start(pcs, n));
    if (n == 0 && g->start.fn != NULL)
        pcs[n++] = (uintptr_t)g->start.fn + 1;
    return n;
}

/* Any that does not move, because the world stands. */
static STW size_t stack_of(struct g *g, uintptr_t *pcs)
{
    struct context at;
    bool exact;
    size_t n = 0;
    const struct m *m = load_rlx(&g->m);
    if (g->started && place_of(g, &at, &exact))
        n = walk_from(g, &at, exact, m != NULL ? &m->g0.stack : NULL, pcs);
    return trimmed(g, pcs, n);
}

/* One without a thread, whose word the caller has claimed. It is in no foreign call, and the program's own
 * functions are not asked: who switches to it would be asked of the stack it comes from, with locks held. */
static size_t stack_of_claimed(const struct g *g, uintptr_t *pcs)
{
    size_t n = 0;
    DCHECK(load_rlx(&((struct g *)(uintptr_t)g)->bound) == NULL);
    if (g->started)
        n = symb_backtrace(&g->ctx, false, &g->stack, NULL, pcs, FRAMES);
    return trimmed(g, pcs, n);
}

/* Several threads at a time. */
static void keep(struct prof_shot *s, const struct g *g, const uintptr_t *pcs, size_t n)
{
    size_t i = add_rlx(&s->taken, 1u);
    if (i >= s->room)
        return; /* `taken` says so */
    uintptr_t *to = s->pcs + add_rlx(&s->pcs_taken, (uint64_t)n);
    memcpy(to, pcs, n * sizeof *pcs);
    s->stacks[i] = (struct prof_stack){to, n, prof_labels_of(g)};
}

/* ---- the words */
enum { BUSY = 1, STEP = 2 };

static au32 epoch;             /* STW; even */
static struct prof_shot *shot; /* STW; that of the epoch */

/* False: there is nothing left to do, and whoever did it has done. */
static bool claim(au32 *word)
{
    uint32_t done = load_rlx(&epoch);
    for (unsigned rounds = 1;; rounds++) {
        uint32_t w = load_acq(word); /* pairs with settle */
        if (w == done)
            return false;
        if (w != (done | BUSY) && cas_acq(word, w, done | BUSY))
            return true;
        if (rounds % 64 != 0)
            cpu_relax(10);
        else
            os_thread_yield(); /* its thread may want our CPU */
    }
}

static void settle(au32 *word)
{
    store_rel(word, load_rlx(&epoch)); /* pairs with claim */
}

/* Of one that was seen alive since the instant. Inside the runtime. */
static void look_at(struct g *g, au32 *word)
{
    uintptr_t pcs[FRAMES];
    if (!claim(word))
        return;
    if (!g_is_hidden(g))
        keep(shot, g, pcs, stack_of_claimed(g, pcs));
    settle(word);
}

void prof_shot_created(struct g *g)
{
    settle(stack_word(g));
}

void prof_shot_moves(struct g *g)
{
    look_at(g, stack_word(g));
}

/* ---- memory */
static void release(struct prof_shot *s)
{
    if (s->stacks != NULL)
        os_unmap(s->stacks, s->room * sizeof s->stacks[0]);
    if (s->pcs != NULL)
        os_unmap(s->pcs, s->pcs_room * sizeof s->pcs[0]);
    s->stacks = NULL;
    s->pcs = NULL;
}

/* Reserved, not used: most stacks have a few frames. */
static int make_room(struct prof_shot *s, size_t goroutines)
{
    *s = (struct prof_shot){.room = goroutines, .pcs_room = goroutines * FRAMES};
    s->stacks = os_reserve(s->room * sizeof s->stacks[0]);
    s->pcs = os_reserve(s->pcs_room * sizeof s->pcs[0]);
    if (s->stacks == NULL || s->pcs == NULL) {
        release(s);
        return -ENOMEM;
    }
    gort_add_roots(s->stacks, s->room * sizeof s->stacks[0]);
    return 0;
}

void prof_shot_drop(struct prof_shot *s)
{
    if (s->stacks != NULL)
        gort_remove_roots(s->stacks, s->room * sizeof s->stacks[0]);
    release(s);
}

/* ---- the instant */
/* The caller's own is the first. */
static NOINLINE void take_own(struct prof_shot *s)
{
    uintptr_t pcs[FRAMES];
    struct g *g = m_curg(self());
    size_t n = cgo_backtrace_here(self(), true, pcs, FRAMES);
    keep(s, g, pcs, prof_without_start(pcs, n));
}

static STW void take_with_thread(struct m *m, void *arg)
{
    uintptr_t pcs[FRAMES];
    struct prof_shot *s = arg;
    struct g *g = m->loose ? m->loose_g : m_user_g(m);
    au32 *word = g != NULL ? stack_word(g) : NULL; /* NULL: a thread that the program made */
    if (g == NULL || (word != NULL && !claim(word)))
        return;
    if (g != s->self && !g_is_hidden(g))
        keep(s, g, pcs, stack_of(g, pcs));
    if (word != NULL)
        settle(word);
}

static STW bool has_room(const struct prof_shot *s)
{
    return (size_t)g_count() + SPARE / 2 <= s->room;
}

/* False: there are more goroutines than there is room for. Inside the runtime. */
static PARKS NOINLINE bool begin(struct prof_shot *s)
{
    s->self = m_curg(self());
    take_own(s);
    world_stop_all_for(WAIT_STOPPING, STW_STACKS);
    bool fits = has_room(s);
    if (fits) {
        store_rlx(&epoch, load_rlx(&epoch) + STEP);
        shot = s;
        sched_each_m(take_with_thread, s);
        probe_set(PROBE_SHOT, true);
    }
    world_start();
    return fits;
}

/* Of threads that the program made there is nothing left to note. */
static PARKS void visit(struct g *g, void *arg)
{
    au32 *word = stack_word(g);
    (void)arg;
    if (word == NULL)
        return;
    m_enter(); /* gives way, too: a stop does not wait for the whole walk */
    look_at(g, word);
    m_leave(self());
}

static gort_mutex one_shot;

PARKS int prof_shot_begin(struct prof_shot *s)
{
    gort_mutex_lock(&one_shot);
    for (size_t room = (size_t)gort_num_goroutine() + SPARE;; room *= 2) {
        int r = make_room(s, room);
        if (r != 0) {
            gort_mutex_unlock(&one_shot);
            return r;
        }
        m_enter();
        bool begun = begin(s);
        m_leave(self());
        if (begun)
            return 0;
        prof_shot_drop(s);
    }
}

PARKS bool prof_shot_end(struct prof_shot *s)
{
    g_each(visit, NULL);
    probe_set(PROBE_SHOT, false);
    gort_mutex_unlock(&one_shot);
    bool all = load_rlx(&s->taken) <= s->room;
    s->n = all ? load_rlx(&s->taken) : 0;
    return all;
}

PARKS int prof_shot_take(struct prof_shot *s)
{
    for (;;) {
        int r = prof_shot_begin(s);
        if (r != 0 || prof_shot_end(s))
            return r;
        prof_shot_drop(s);
    }
}

/* ---- the leaked ones, within a stop */
struct leaked {
    struct prof_shot *s;
    const struct gc_leaks *leaks;
};

static STW void take_leaked(struct g *g, void *arg)
{
    uintptr_t pcs[FRAMES];
    struct leaked *l = arg;
    if (g == l->s->self || g_is_hidden(g))
        return;
    g->leaked = load_rlx(&g->status) == G_WAITING && gc_is_leaked(l->leaks, g->id);
    if (g->leaked)
        keep(l->s, g, pcs, stack_of(g, pcs));
}

static PARKS void take_stopped(struct leaked *l)
{
    m_enter();
    l->s->self = m_curg(self());
    world_stop_all_for(WAIT_STOPPING, STW_STACKS);
    g_each(take_leaked, l);
    world_start();
    m_leave(self());
}

PARKS int prof_shot_take_leaked(struct prof_shot *s, const struct gc_leaks *leaks)
{
    for (size_t room = (size_t)gort_num_goroutine() + SPARE;; room *= 2) {
        struct leaked l = {s, leaks};
        int r = make_room(s, room);
        if (r != 0)
            return r;
        take_stopped(&l);
        s->n = load_rlx(&s->taken);
        if (s->n <= s->room)
            return 0;
        prof_shot_drop(s);
    }
}
