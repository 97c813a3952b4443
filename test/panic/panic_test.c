/* panic_test.c: who may recover, what runs afterwards, and how Goexit and panics meet. */
#include <criterion/criterion.h>

#include "base/fmt.h"
#include "gort/go.h"
#include "panic/panic.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static char log_text[4096];
static size_t log_len;

static void note(void *letter)
{
    if (log_len < sizeof log_text - 1)
        log_text[log_len++] = *(const char *)letter;
}
static void begin(void)
{
    memset(log_text, 0, sizeof log_text);
    log_len = 0;
}
#define NOTE(letter)     note((void *)(uintptr_t)(letter))
#define DEFER(letter)    gort_defer(note, (void *)(uintptr_t)(letter))
#define EXPECT_LOG(want) cr_expect(strcmp(log_text, want) == 0, "%s, not %s", log_text, want)

static void panic_with(const char *text)
{
    gort_panic(gort_any_string(text));
}

/* Notes what it recovered: its text, or `-`. */
static void recover_note(void *unused)
{
    (void)unused;
    gort_any v;
    if (!gort_recover(&v)) {
        cr_expect(v.type == NULL);
        NOTE("-");
        return;
    }
    gort_string s = gort_assert(v, gort_string);
    for (size_t i = 0; i < s.len; i++)
        note((void *)(uintptr_t)(s.ptr + i));
}

/* ---- plain */

static void simple(void)
{
    begin();
    GORT_SCOPE
    {
        DEFER("a");
        gort_defer(recover_note, NULL);
        DEFER("b");
        panic_with("boom");
        NOTE("x");
    }
    NOTE(".");
    EXPECT_LOG("bbooma.");
}

static void once(void)
{
    begin();
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(recover_note, NULL);
        panic_with("p");
    }
    EXPECT_LOG("p-");
}

static void twice_recover(void *unused)
{
    (void)unused;
    gort_any v;
    cr_expect(gort_recover(&v) && v.type != NULL);
    cr_expect(!gort_recover(&v) && v.type == NULL);
    cr_expect(!gort_recover(NULL));
}

static void twice(void)
{
    GORT_SCOPE
    {
        gort_defer(twice_recover, NULL);
        panic_with("p");
    }
}

static void not_panicking(void)
{
    begin();
    gort_any v = gort_box(int, 1);
    cr_expect(!gort_recover(&v) && v.type == NULL);
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
    }
    EXPECT_LOG("-");
}

static void panic_nil_value(void *unused)
{
    (void)unused;
    gort_panic((gort_any){NULL, NULL});
}

static void nil_value(void)
{
    gort_any v = gort_box(int, 1);
    cr_expect(gort_try(panic_nil_value, NULL, &v) && v.type == NULL);
}

static void volatile_keeps(void)
{
    volatile int n = 0;
    GORT_SCOPE
    {
        gort_defer(twice_recover, NULL);
        for (n = 0; n < 100; n++)
            if (n == 41)
                panic_with("stop");
    }
    cr_expect(n == 41);
}

static void all_simple(void)
{
    simple();
    once();
    twice();
    not_panicking();
    nil_value();
    volatile_keeps();
}

Test(panic, recover_stops_it_once)
{
    cr_assert(in_gort(all_simple) == 0);
}

/* ---- who may recover */

static void helper_recovers(void *arg)
{
    recover_note(arg);
    NOTE("h");
}

static void inner_scope_recovers(void *arg)
{
    GORT_SCOPE
    {
        gort_defer(recover_note, arg);
        NOTE("i");
    }
    NOTE("j");
}

static void powerless(void)
{
    begin();
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(helper_recovers, NULL);
        gort_defer(inner_scope_recovers, NULL);
        panic_with("p");
    }
    EXPECT_LOG("i-j-hp");
}

Test(panic, only_the_deferred_function_itself_recovers)
{
    cr_assert(in_gort(powerless) == 0);
}

static void panics_inside(void *arg)
{
    GORT_SCOPE
    {
        gort_defer(recover_note, arg);
        panic_with("in");
    }
    NOTE("|");
    recover_note(arg); /* not deferred */
    gort_any v;
    cr_expect(gort_recover(&v));
    cr_expect(gort_assert(v, gort_string).len == 3);
}

static void inside_out(void)
{
    begin();
    GORT_SCOPE
    {
        gort_defer(panics_inside, NULL);
        panic_with("out");
    }
    NOTE(".");
    EXPECT_LOG("in|-.");
}

Test(panic, one_inside_a_deferred_function_leaves_the_outer_alone)
{
    cr_assert(in_gort(inside_out) == 0);
}

/* ---- nested panics */

static void panic_second(void *unused)
{
    (void)unused;
    NOTE("s");
    panic_with("second");
}

static void recover_and_panic(void *unused)
{
    (void)unused;
    gort_any v;
    cr_expect(gort_recover(&v));
    panic_with("re");
}

static void nested(void)
{
    begin();
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(recover_note, NULL);
        gort_defer(panic_second, NULL);
        panic_with("first");
    }
    NOTE(".");
    EXPECT_LOG("ssecond-.");
    cr_expect(g_self()->panics == NULL);

    begin();
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(recover_and_panic, NULL);
        panic_with("first");
    }
    EXPECT_LOG("re");
    cr_expect(g_self()->panics == NULL && g_self()->scope == NULL);

    begin();
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        GORT_SCOPE
        {
            DEFER("a");
            gort_defer(panic_second, NULL);
            NOTE("b"); /* the end of the scope, not a panic, runs the one that panics */
        }
        NOTE("x");
    }
    EXPECT_LOG("bsasecond");
}

Test(panic, a_newer_one_takes_the_place_of_the_older)
{
    cr_assert(in_gort(nested) == 0);
}

static void panic_at_return(void)
{
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(panic_second, NULL);
        return;
    }
    NOTE("r"); /* where a recovered panic goes on */
}

static void at_return(void)
{
    begin();
    panic_at_return();
    EXPECT_LOG("ssecondr");
}

Test(panic, one_raised_while_returning_goes_on_behind_the_scope)
{
    cr_assert(in_gort(at_return) == 0);
}

static void dive(int depth)
{
    GORT_SCOPE
    {
        DEFER("d");
        if (depth == 0)
            panic_with("deep");
        dive(depth - 1);
    }
}

static void many(void)
{
    for (int i = 0; i < 20000; i++) {
        begin();
        GORT_SCOPE
        {
            gort_defer(recover_note, NULL);
            dive(10);
        }
    }
    EXPECT_LOG("ddddddddddddeep");
}

Test(panic, many_times_does_not_grow_anything)
{
    cr_assert(in_gort(many) == 0);
}

/* ---- chain as printed */

static char chain[512];
static void chain_of_self(void)
{
    struct out o;
    out_init_mem(&o, chain, sizeof chain - 1);
    panic_print_chain(&o, g_self());
    chain[o.len] = '\0';
}

static void third(void *unused)
{
    (void)unused;
    chain_of_self();
    gort_recover(NULL);
}

static void chain_of(void (*older)(void *), void (*oldest)(void *))
{
    GORT_SCOPE
    {
        gort_defer(third, NULL);
        if (older != NULL)
            gort_defer(older, NULL);
        gort_defer(oldest, NULL);
        panic_with("first");
    }
}

static void recover_and_second(void *unused)
{
    (void)unused;
    cr_expect(gort_recover(NULL));
    panic_with("second");
}
static void panic_third(void *unused)
{
    (void)unused;
    panic_with("third");
}
static void same_again(void *unused)
{
    (void)unused;
    gort_any v;
    cr_expect(gort_recover(&v));
    gort_panic(v);
}

static void chains(void)
{
    chain_of(NULL, panic_second);
    cr_expect_str_eq(chain, "panic: first\n\tpanic: second\n");
    chain_of(NULL, recover_and_second);
    cr_expect_str_eq(chain, "panic: first [recovered]\n\tpanic: second\n");
    chain_of(NULL, same_again);
    cr_expect_str_eq(chain, "panic: first [recovered]\n\tpanic: first\n");
    chain_of(panic_third, recover_and_second);
    cr_expect_str_eq(chain, "panic: first [recovered]\n\tpanic: second\n\tpanic: third\n");
    cr_expect(g_self()->panics == NULL);
}

Test(panic, the_chain_prints_oldest_first)
{
    cr_assert(in_gort(chains) == 0);
}

/* ---- Goexit */

static volatile int ended;
static void end(void *unused)
{
    (void)unused;
    ended = 1;
}
static void run(void (*fn)(void))
{
    begin();
    ended = 0;
    gort_go(fn);
    while (!ended)
        gort_gosched();
}

static void exits(void)
{
    gort_defer(end, NULL);
    gort_defer(recover_note, NULL);
    GORT_SCOPE
    {
        DEFER("s");
        gort_goexit();
    }
    NOTE("x");
}

static void exit_in_defer(void *unused)
{
    (void)unused;
    gort_goexit();
}

static void aborts_panic(void)
{
    gort_defer(end, NULL);
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(exit_in_defer, NULL);
        panic_with("p");
    }
    NOTE("x");
}

static void recovers_then_exits(void *unused)
{
    (void)unused;
    cr_expect(gort_recover(NULL));
    gort_goexit();
}

static void recovered_and_left(void)
{
    gort_defer(end, NULL);
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(recovers_then_exits, NULL);
        panic_with("p");
    }
    NOTE("x");
}

/* A panic in a deferred function of Goexit, stopped further out, does not stop the Goexit. */
static void exit_goes_on(void)
{
    gort_defer(end, NULL);
    DEFER("b");
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        DEFER("a");
        gort_defer(recover_note, NULL);
        gort_defer(panic_second, NULL);
        gort_goexit();
    }
    NOTE("x");
}

static void exit_goes_on_from_outer_scope(void)
{
    gort_defer(end, NULL);
    DEFER("b");
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        GORT_SCOPE
        {
            gort_defer(panic_second, NULL);
            gort_goexit();
        }
        NOTE("x");
    }
    NOTE("x");
}

static void exits_all(void)
{
    run(exits);
    EXPECT_LOG("s-");
    run(aborts_panic);
    EXPECT_LOG("-");
    run(recovered_and_left);
    EXPECT_LOG("-");
    run(exit_goes_on);
    EXPECT_LOG("sseconda-b");
    run(exit_goes_on_from_outer_scope);
    EXPECT_LOG("ssecondb");
}

Test(goexit, runs_everything_and_cannot_be_stopped)
{
    cr_assert(in_gort(exits_all) == 0);
}

static void not_in_exit(void *unused)
{
    (void)unused;
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        panic_with("in");
    }
    NOTE("k");
}

static void inside(void)
{
    gort_defer(end, NULL);
    GORT_SCOPE
    {
        gort_defer(recover_note, NULL);
        gort_defer(not_in_exit, NULL);
        gort_goexit();
    }
    NOTE("x");
}

static void stopped_inside(void)
{
    run(inside);
    EXPECT_LOG("ink-");
}

Test(goexit, goes_on_after_a_panic_inside_one_of_its_functions)
{
    cr_assert(in_gort(stopped_inside) == 0);
}

/* ---- try, and the goroutine's own defers */

static void fails(void *unused)
{
    (void)unused;
    GORT_SCOPE
    {
        DEFER("d");
        gort_panicf("no %s", "luck");
    }
}
static void works(void *n)
{
    *(int *)n += 1;
}

static void trying(void)
{
    begin();
    gort_any v;
    int n = 1;
    cr_expect(gort_try(fails, NULL, &v));
    EXPECT_LOG("d");
    cr_expect_str_eq(gort_error_string(v), "no luck");
    cr_expect(gort_try(fails, NULL, NULL));
    cr_expect(!gort_try(works, &n, &v) && n == 2 && v.type == NULL);
}

Test(panic, try_catches)
{
    cr_assert(in_gort(trying) == 0);
}

static void recovers_at_the_root(void)
{
    gort_defer(end, NULL);
    gort_defer(recover_note, NULL);
    panic_with("p");
}

static void at_the_root(void)
{
    run(recovers_at_the_root);
    EXPECT_LOG("p");
}

Test(panic, stopped_outside_any_scope_ends_the_goroutine)
{
    cr_assert(in_gort(at_the_root) == 0);
}

static void first_recovers(void)
{
    begin();
    DEFER("m");
    gort_defer(recover_note, NULL);
    panic_with("p");
}

Test(panic, stopped_outside_any_scope_of_goroutine_1_ends_the_program_well)
{
    cr_assert(in_gort(first_recovers) == 0);
    EXPECT_LOG("pm");
}

static void holder(void)
{
    struct m *m = m_enter();
    (void)m;
    panic_plain("close of nil channel");
}
static void inside_runtime(void)
{
    in_gort(holder);
}

Test(panic, inside_the_runtime_is_fatal)
{
    char *output;
    int status;
    run_forked(inside_runtime, &output, &status);
    cr_expect(strncmp(output, "fatal error: close of nil channel\n", 34) == 0, "%s", output);
    cr_expect(status == 2 << 8);
}
