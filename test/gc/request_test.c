/* Who calls for a collection gets one, which counts as called for when the call returns. */
#include "gc/gc_int.h"

#include "sched/sched.h"
#include "support.h"

#include <gort/go.h>
#include <gort/mem.h>

#include <criterion/criterion.h>

enum { CALLS = 200 };

static au32 stop;

/* As the heap does at its trigger, all the time. */
static void ask(void)
{
    while (load_rlx(&stop) == 0) {
        struct m *m = m_enter();
        gc_request(GC_WHY_HEAP);
        m_leave(m);
    }
}

static uint32_t forced(void)
{
    static gort_mem_stats stats;
    gort_read_mem_stats(&stats);
    return stats.num_forced_gc;
}

static void call(void)
{
    gort_gomaxprocs(2);
    uint32_t before = forced();
    gort_go(ask);
    for (uint32_t i = 1; i <= CALLS; i++) {
        gort_gc();
        cr_expect_eq(forced() - before, i);
    }
    store_rlx(&stop, 1u);
}

Test(request, of_a_caller_is_met_by_its_own_cycle)
{
    cr_expect_eq(in_gort(call), 0);
}
