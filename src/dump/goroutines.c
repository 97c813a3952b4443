/* goroutines.c: all goroutines, one after the other.
 *
 * Owns    the order of a full dump, and since when goroutines wait.
 */
#include "dump/dump.h"
#include "sched/up.h"

struct others {
    struct out *o;
    const struct g *a, *b;
    bool first; /* this time goroutine 1 alone, whose stack is of another size than the others' */
    const struct dump_style *style;
};

static void print_other(struct g *g, void *arg)
{
    struct others *all = arg;
    if (g == all->a || g == all->b || (g->id == 1) != all->first ||
        load_rlx(&g->status) == G_DEAD || (g_is_hidden(g) && all->style->level < 2))
        return;
    out_char(all->o, '\n');
    dump_goroutine(all->o, g, NULL, all->style);
}

void dump_others(struct out *o, const struct g *a, const struct g *b,
                 const struct dump_style *style)
{
    struct others all = {.o = o, .a = a, .b = b, .first = true, .style = style};
    g_each(print_other, &all);
    all.first = false;
    g_each(print_other, &all);
}

static void stamp(struct g *g, void *now)
{
    if (load_rlx(&g->status) == G_WAITING && load_rlx(&g->wait_since) == 0)
        store_rlx(&g->wait_since, *(const int64_t *)now);
}

static ai64 last_stamp;

int64_t dump_last_stamp(void)
{
    return load_rlx(&last_stamp);
}

void dump_stamp_waiting(int64_t now_ns)
{
    store_rlx(&last_stamp, now_ns);
    g_each(stamp, &now_ns);
}
