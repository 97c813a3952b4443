/* goroutine.c: where all goroutines are, or the leaked ones.
 *
 * Owns    the profiles of goroutines, from what shot.c has noted of them; the search for leaked ones.
 * Locks   one_search, a mutex for goroutines: of searches for leaked ones, as long as the result is in use.
 */
#include "prof/shot.h"

#include "gc/gc.h"
#include "io/io.h"
#include "mem/mem.h"
#include "sched/sched.h"
#include "symb/symb.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/mem.h>
#include <gort/prof.h>
#include <gort/sync.h>

#include <errno.h>
#include <string.h>

size_t prof_without_start(const uintptr_t *pcs, size_t n)
{
    enum { START_BYTES = 64 };
    bool start = n > 1 && pcs[n - 1] - (uintptr_t)arch_start <= START_BYTES;
    return start ? n - 1 : n;
}

bool gort_goroutine_profile(gort_stack_record *p, int len, int *n)
{
    struct prof_shot s;
    *n = gort_num_goroutine();
    if (*n > len || prof_shot_take(&s) != 0)
        return false;
    *n = (int)s.n;
    bool fits = *n <= len;
    for (int i = 0; fits && i < *n; i++) {
        size_t k = s.stacks[i].n < ARRAY_LEN(p->stack0) ? s.stacks[i].n : ARRAY_LEN(p->stack0);
        memset(&p[i], 0, sizeof p[i]);
        memcpy(p[i].stack0, s.stacks[i].pcs, k * sizeof p->stack0[0]);
    }
    prof_shot_drop(&s);
    return fits;
}

const uintptr_t *gort_stack_record_stack(const gort_stack_record *r, int *n)
{
    *n = 0;
    while (*n < (int)ARRAY_LEN(r->stack0) && r->stack0[*n] != 0)
        ++*n;
    return r->stack0;
}

/* ---- written */
int prof_take_goroutines(struct prof_stack **to, size_t *n)
{
    struct prof_shot s;
    int r = prof_shot_take(&s);
    if (r != 0)
        return r;
    size_t words = load_rlx(&s.pcs_taken);
    uintptr_t *pcs = gort_alloc_noscan(words * sizeof *pcs);
    struct prof_stack *all = gort_alloc(s.n * sizeof *all);
    memcpy(pcs, s.pcs, words * sizeof *pcs);
    for (size_t i = 0; i < s.n; i++)
        all[i] =
            (struct prof_stack){pcs + (s.stacks[i].pcs - s.pcs), s.stacks[i].n, s.stacks[i].labels};
    *to = all;
    *n = s.n;
    prof_shot_drop(&s);
    return 0;
}

/* What a panic prints, of all goroutines, cut at 64 MiB. */
static int write_text(int fd)
{
    enum { FIRST = 1 << 20, LAST = 64 << 20 };
    for (size_t bytes = FIRST;; bytes *= 2) {
        struct pbuf b = {.mem = NULL};
        char *text = pbuf_room(&b, bytes);
        if (text == NULL) {
            pbuf_free(&b);
            return -ENOMEM;
        }
        b.len = gort_stack(text, bytes, true);
        int r = b.len < bytes || bytes == LAST ? prof_write_all(fd, &b) : 1;
        pbuf_free(&b);
        if (r <= 0)
            return r;
    }
}

int prof_write_goroutines(int fd, int debug)
{
    struct prof_shot s;
    if (debug >= 2)
        return write_text(fd);
    int r = prof_shot_take(&s);
    if (r != 0)
        return r;
    r = prof_write_counts("goroutine", s.stacks, s.n, fd, debug);
    prof_shot_drop(&s);
    return r;
}

/* ---- leaked */
static gort_mutex one_search;

/* The stacks of those that are leaked now. 0, and prof_shot_drop is to follow; or -errno. */
static PARKS int take_leaks(struct prof_shot *s)
{
    struct gc_leaks leaks;
    int r = gc_find_leaks(&leaks);
    if (r != 0)
        return r;
    r = prof_shot_take_leaked(s, &leaks);
    gc_drop_leaks();
    return r;
}

int gort_goroutine_leaks(void)
{
    struct prof_shot s;
    gort_mutex_lock(&one_search);
    int r = take_leaks(&s);
    if (r == 0) {
        r = (int)s.n;
        prof_shot_drop(&s);
    }
    gort_mutex_unlock(&one_search);
    return (int)io_result(r);
}

int prof_write_leaks(int fd, int debug)
{
    struct prof_shot s;
    gort_mutex_lock(&one_search);
    int r = take_leaks(&s);
    if (r == 0) {
        r = debug >= 2 ? write_text(fd)
                       : prof_write_counts("goroutineleak", s.stacks, s.n, fd, debug);
        prof_shot_drop(&s);
    }
    gort_mutex_unlock(&one_search);
    return r;
}
