/* spans.c: nested ranges, flattened.
 *
 * Holds   steps are sorted by their first address; a step says what is innermost from there to the next
 *         step. So a look-up is one binary search, however deeply calls were inlined.
 */
#include "symb/spans.h"

enum { DEEPEST = 200 };

struct range {
    uint64_t lo, hi;
    uint32_t what;
};
struct span_step {
    uint64_t lo;
    uint32_t what;
};

void spans_add(struct spans *s, uint64_t lo, uint64_t hi, uint32_t what)
{
    if (lo == 0 || lo >= hi)
        return;
    s->ranges.each = sizeof(struct range);
    struct range *r = vec_more(&s->ranges, sizeof *r);
    if (r != NULL)
        *r = (struct range){.lo = lo, .hi = hi, .what = what};
}

/* The outer one first; of equals the one that was added first. */
static bool range_less(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->lo != y->lo ? x->lo < y->lo : x->hi > y->hi;
}

static void step(struct vec *steps, uint64_t lo, uint32_t what)
{
    struct span_step *last = steps->n > 0 ? (struct span_step *)steps->at + steps->n - 1 : NULL;
    if (last == NULL || last->lo != lo)
        last = vec_more(steps, sizeof *last);
    if (last != NULL)
        *last = (struct span_step){.lo = lo, .what = what};
}

static void flatten(const struct range *r, size_t n, struct vec *steps)
{
    struct range open[DEEPEST];
    size_t depth = 0;
    for (size_t i = 0; i <= n; i++) {
        while (depth > 0 && (i == n || open[depth - 1].hi <= r[i].lo)) {
            depth--;
            step(steps, open[depth].hi, depth > 0 ? open[depth - 1].what : SPAN_NONE);
        }
        if (i == n || depth == DEEPEST)
            continue;
        open[depth] = r[i];
        if (depth > 0 && open[depth].hi > open[depth - 1].hi)
            open[depth].hi = open[depth - 1].hi; /* overlapping, where ranges should nest */
        step(steps, r[i].lo, r[i].what);
        depth++;
    }
}

bool spans_seal(struct spans *s, struct pool *p)
{
    struct vec steps = VEC_OF(struct span_step);
    size_t n = s->ranges.n;
    bool good = !s->ranges.failed && pool_sort(s->ranges.at, n, sizeof(struct range), range_less);
    if (good)
        flatten(s->ranges.at, n, &steps);
    vec_drop(&s->ranges);
    s->n = good && !steps.failed ? steps.n : 0;
    s->step = vec_keep(&steps, p);
    if (s->step == NULL)
        s->n = 0;
    return s->step != NULL || (good && n == 0);
}

uint32_t spans_find(const struct spans *s, uint64_t addr, uint64_t *end)
{
    const struct span_step *at = s->step;
    size_t n = s->n;
    if (n == 0 || addr < at->lo)
        return SPAN_NONE;
    while (n > 1) { /* at->lo <= addr, and what is looked for is among n from `at` on */
        size_t half = n / 2;
        at = at[half].lo <= addr ? at + half : at;
        n -= half;
    }
    *end = at + 1 < s->step + s->n ? at[1].lo : UINT64_MAX;
    return at->what;
}
