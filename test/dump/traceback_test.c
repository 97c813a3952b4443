/* traceback_test.c: the text of one goroutine, made from a struct g that never ran or rests. */
#include "dump/dump_int.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char text[16384];

static const char *dump(struct g *g, uint32_t level)
{
    static struct out o;
    struct dump_style style = {.level = level, .way = SYMB_FULL};
    out_init_mem(&o, text, sizeof text - 1);
    dump_goroutine(&o, g, NULL, &style);
    text[o.len] = '\0';
    return text;
}

static __attribute__((noinline)) void entry_of_g(void)
{
    __asm__ volatile("" ::: "memory");
}

static struct g fresh(void)
{
    struct g g;
    memset(&g, 0, sizeof g);
    g.id = 7;
    g.start.fn = entry_of_g;
    store_rlx(&g.status, (uint32_t)G_RUNNABLE);
    return g;
}

Test(traceback, one_that_never_ran_shows_its_entry_without_offset)
{
    struct g g = fresh();
    const char *s = dump(&g, 1);
    cr_assert(strncmp(s, "goroutine 7 [runnable]:\nentry_of_g()\n\t", 38) == 0, "%s", s);
    cr_expect(strstr(s, "traceback_test.c:") != NULL);
    cr_expect(strstr(s, " +0x") == NULL);
    cr_expect(strstr(s, "created by") == NULL);
}

Test(traceback, one_that_runs_elsewhere_has_no_stack)
{
    struct g g = fresh();
    g.started = true;
    store_rlx(&g.status, (uint32_t)G_RUNNING);
    cr_expect_str_eq(dump(&g, 1), "goroutine 7 [running]:\n"
                                  "\tgoroutine running on other thread; stack unavailable\n");
}

Test(traceback, a_wait_says_why_and_since_when)
{
    struct g g = fresh();
    store_rlx(&g.status, (uint32_t)G_WAITING);
    store_rlx(&g.wait_reason, (uint32_t)WAIT_CHAN_RECV);
    cr_expect(strncmp(dump(&g, 1), "goroutine 7 [chan receive]:\n", 28) == 0);
    store_rlx(&g.wait_since, os_nanotime() - 59 * 1000000000ll);
    cr_expect(strncmp(dump(&g, 1), "goroutine 7 [chan receive]:\n", 28) == 0);
    store_rlx(&g.wait_since, os_nanotime() - 60 * 1000000000ll);
    cr_expect(strncmp(dump(&g, 1), "goroutine 7 [chan receive, 1 minutes]:\n", 39) == 0);
    store_rlx(&g.wait_since, os_nanotime() - 3 * 60 * 1000000000ll);
    struct m *m = calloc(1, sizeof *m);
    store_rlx(&g.bound, m);
    m->lock_count = 1;
    cr_expect_eq(
        strncmp(dump(&g, 1), "goroutine 7 [chan receive, 3 minutes, locked to thread]:\n", 57), 0);
    m->lock_count = 0; /* stopped in a handler, not locked by the program */
    cr_expect(strncmp(dump(&g, 1), "goroutine 7 [chan receive, 3 minutes]:\n", 39) == 0);
    store_rlx(&g.status, (uint32_t)G_RUNNABLE);
    cr_expect(strncmp(dump(&g, 1), "goroutine 7 [runnable]:\n", 24) == 0);
}

Test(traceback, the_creator_is_named_with_the_line_of_the_go_statement)
{
    struct g g = fresh();
    g.created_pc = (uintptr_t)entry_of_g + 1;
    const char *s = strstr(dump(&g, 1), "created by entry_of_g\n\t");
    cr_assert(s != NULL);
    cr_expect(strstr(s, " +0x1\n") != NULL);
    g.id = 1;
    cr_expect(strstr(dump(&g, 1), "created by") == NULL);
}

Test(traceback, every_status_has_a_name)
{
    struct g g = fresh();
    static const struct {
        enum g_status status;
        const char *text;
    } table[] = {{G_IDLE, "idle"},       {G_RUNNABLE, "runnable"}, {G_RUNNING, "running"},
                 {G_SYSCALL, "syscall"}, {G_WAITING, "waiting"},   {G_DEAD, "dead"}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        store_rlx(&g.status, (uint32_t)table[i].status);
        cr_expect_str_eq(dump_status_text(&g), table[i].text);
    }
    store_rlx(&g.status, 77u);
    cr_expect_str_eq(dump_status_text(&g), "???");
}

static enum line_kind kind_of(const char *function, const char *path)
{
    struct symb_line l = {.function = function, .path = path};
    enum line_kind kind = trace_line_kind(&l, 1, &l);
    cr_expect_eq(trace_line_kind(&l, 1, &l), kind, "it is the same when asked again");
    return kind;
}

Test(traceback, public_functions_of_the_runtime_are_shown_and_its_own_are_not)
{
    cr_expect_eq(kind_of("park", "/build/src/sched/park.c"), LINE_HIDDEN);
    cr_expect_eq(kind_of("gort_chan_recv", "/build/src/sched/park.c"), LINE_SHOWN);
    cr_expect_eq(kind_of("gort_panic", "/build/src/sched/park.c"), LINE_PANIC);
    cr_expect_eq(kind_of("gort_go_start", "/build/src/sched/park.c"), LINE_HIDDEN);
    cr_expect_eq(kind_of("park", "/home/somebody/park.c"), LINE_SHOWN);
}

Test(traceback, ancestors_are_shared_and_bounded)
{
    struct g parent = fresh();
    struct ancestor *generation[5] = {NULL};
    for (int i = 0; i < 5; i++) {
        parent.id = (uint64_t)i + 1;
        parent.ancestors = i > 0 ? generation[i - 1] : NULL;
        generation[i] = dump_record_ancestors(&parent, 1, 3);
        cr_assert(generation[i] != NULL);
    }
    struct out o;
    struct dump_style style = {.level = 1, .way = SYMB_FULL};
    out_init_mem(&o, text, sizeof text - 1);
    for (int i = 0; i < 4; i++)
        dump_free_ancestors(generation[i]);
    dump_ancestors(&o, generation[4], &style);
    text[o.len] = '\0';
    cr_expect(strstr(text, "[originating from goroutine 5]:\n") != NULL);
    cr_expect(strstr(text, "[originating from goroutine 3]:\n") != NULL);
    cr_expect(strstr(text, "[originating from goroutine 2]:\n") == NULL);
    dump_free_ancestors(generation[4]);
    parent.id = 0;
    parent.ancestors = NULL;
    cr_expect(dump_record_ancestors(&parent, 1, 3) == NULL);
}
