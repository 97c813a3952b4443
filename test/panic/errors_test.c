/* errors_test.c: Go's texts, and faults that become panics. */
#include <criterion/criterion.h>

#include "base/fmt.h"
#include "lang/any.h"
#include "panic/panic.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void expect_text(gort_any v, const char *want, bool runtime)
{
    const char *got = gort_error_string(v);
    cr_expect(got != NULL && strcmp(got, want) == 0, "%s, not %s", got, want);
    cr_expect(gort_is_runtime_error(v) == runtime);
}

struct bounds_case {
    enum bounds what;
    int64_t x;
    enum bounds_sign sign;
    int64_t y;
    const char *want;
};

static void fail_bounds(void *arg)
{
    const struct bounds_case *c = arg;
    panic_bounds(c->what, c->x, c->sign, c->y);
}

static struct bounds_case cases[] = {
    {BOUNDS_INDEX, 5, BOUNDS_SIGNED, 3, "index out of range [5] with length 3"},
    {BOUNDS_INDEX, -1, BOUNDS_SIGNED, 3, "index out of range [-1]"},
    {BOUNDS_INDEX, -1, BOUNDS_UNSIGNED, 3,
     "index out of range [18446744073709551615] with length 3"},
    {BOUNDS_SLICE_LEN, 5, BOUNDS_SIGNED, 3, "slice bounds out of range [:5] with length 3"},
    {BOUNDS_SLICE_LEN, -1, BOUNDS_SIGNED, 3, "slice bounds out of range [:-1]"},
    {BOUNDS_SLICE_CAP, 5, BOUNDS_SIGNED, 3, "slice bounds out of range [:5] with capacity 3"},
    {BOUNDS_SLICE_CAP, -1, BOUNDS_SIGNED, 3, "slice bounds out of range [:-1]"},
    {BOUNDS_SLICE, 5, BOUNDS_SIGNED, 3, "slice bounds out of range [5:3]"},
    {BOUNDS_SLICE, -1, BOUNDS_SIGNED, 3, "slice bounds out of range [-1:]"},
    {BOUNDS_SLICE3_LEN, 5, BOUNDS_SIGNED, 3, "slice bounds out of range [::5] with length 3"},
    {BOUNDS_SLICE3_CAP, 5, BOUNDS_SIGNED, 3, "slice bounds out of range [::5] with capacity 3"},
    {BOUNDS_SLICE3_CAP, -1, BOUNDS_SIGNED, 3, "slice bounds out of range [::-1]"},
    {BOUNDS_SLICE3_MIDDLE, 5, BOUNDS_SIGNED, 4, "slice bounds out of range [:5:4]"},
    {BOUNDS_SLICE3_MIDDLE, -1, BOUNDS_SIGNED, 4, "slice bounds out of range [:-1:]"},
    {BOUNDS_SLICE3_LOW, 5, BOUNDS_SIGNED, 3, "slice bounds out of range [5:3:]"},
    {BOUNDS_SLICE3_LOW, -1, BOUNDS_SIGNED, 3, "slice bounds out of range [-1::]"},
    {BOUNDS_CONVERT, 3, BOUNDS_SIGNED, 4,
     "cannot convert slice with length 3 to array or pointer to array with length 4"},
};

static void bounds(void)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        gort_any v;
        char want[160];
        snprintf(want, sizeof want, "runtime error: %s", cases[i].want);
        cr_expect(gort_try(fail_bounds, &cases[i], &v));
        expect_text(v, want, true);
    }
}

Test(errors, bounds)
{
    cr_assert(in_gort(bounds) == 0);
}

static void index_in(void *i)
{
    cr_expect(gort_index(2, 3) == 2 && gort_index(0, 1) == 0);
    gort_index((int64_t)(intptr_t)i, 3);
}

static void indices(void)
{
    gort_any v;
    cr_expect(gort_try(index_in, (void *)3, &v));
    expect_text(v, "runtime error: index out of range [3] with length 3", true);
    cr_expect(gort_try(index_in, (void *)-2, &v));
    expect_text(v, "runtime error: index out of range [-2]", true);
    cr_expect(!gort_try(index_in, (void *)2, &v));
}

Test(errors, index_macro)
{
    cr_assert(in_gort(indices) == 0);
}

static void plain(void *text)
{
    panic_plain(text);
}
static void runtime(void *text)
{
    panic_runtime(text);
}
static void string(void *text)
{
    panic_string(text);
}

static void kinds(void)
{
    gort_any v;
    cr_expect(gort_try(plain, "close of nil channel", &v));
    expect_text(v, "close of nil channel", true);
    cr_expect(gort_try(runtime, "negative shift amount", &v));
    expect_text(v, "runtime error: negative shift amount", true);
    cr_expect(gort_try(string, "sync: negative WaitGroup counter", &v));
    cr_expect(gort_error_string(v) == NULL && !gort_is_runtime_error(v));
    cr_expect_str_eq(gort_assert(v, gort_string).ptr, "sync: negative WaitGroup counter");
}

Test(errors, three_kinds)
{
    cr_assert(in_gort(kinds) == 0);
}

/* ---- faults */

static void dereference(void *p)
{
    *(volatile int *)p = 1;
}
static volatile int zero;
static void divide(void *unused)
{
    (void)unused;
    zero = 7 / zero;
}
__attribute__((no_sanitize("signed-integer-overflow"))) static void overflow(void *unused)
{
    (void)unused;
    volatile int lowest = INT32_MIN, minus = -1;
    lowest = lowest / minus;
}

#define NIL_TEXT "runtime error: invalid memory address or nil pointer dereference"

static void faults(void)
{
    gort_any v, w;
    cr_expect(gort_try(dereference, NULL, &v));
    expect_text(v, NIL_TEXT, true);
    cr_expect(gort_try(dereference, (void *)4095, &w));
    cr_expect(v.type == w.type && v.data == w.data, "two nil dereferences are equal");
    cr_expect(g_self()->fault.sig == 0, "forgotten once recovered");
#ifdef __x86_64__
    cr_expect(gort_try(divide, NULL, &v));
    expect_text(v, "runtime error: integer divide by zero", true);
    cr_expect(gort_try(overflow, NULL, &v)); /* the processor says the same for both */
    expect_text(v, "runtime error: integer divide by zero", true);
#endif
    for (int i = 0; i < 1000; i++)
        cr_expect(gort_try(dereference, NULL, NULL));
}

Test(errors, faults_become_panics)
{
    cr_assert(in_gort(faults) == 0);
}

static void anywhere(void)
{
    char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gort_any v;
    uintptr_t addr;
    g_self()->panic_on_fault = true;
    cr_expect(gort_try(dereference, p + 16, &v));
    expect_text(v, NIL_TEXT, true);
    cr_expect(gort_error_addr(v, &addr) && addr == (uintptr_t)p + 16);
    cr_expect(gort_try(dereference, NULL, &v));
    cr_expect(!gort_error_addr(v, &addr));
}

Test(errors, panic_on_fault_tells_the_address)
{
    cr_assert(in_gort(anywhere) == 0);
}

static char *nowhere;
static void fault_somewhere(void)
{
    dereference(nowhere);
}
static void run_fault(void)
{
    in_gort(fault_somewhere);
}

Test(errors, other_addresses_are_fatal)
{
    char *output;
    int status;
    char want[256];
    nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int n = snprintf(want, sizeof want,
                     "unexpected fault address %p\nfatal error: fault\n"
                     "[signal SIGSEGV: segmentation violation code=0x2 addr=%p pc=0x",
                     (void *)nowhere, (void *)nowhere);
    run_forked(run_fault, &output, &status);
    cr_expect(strncmp(output, want, (size_t)n) == 0, "%s", output);
    cr_expect(status == 2 << 8);
}

static void nil_chain(void *unused)
{
    (void)unused;
    char text[512];
    struct out o;
    out_init_mem(&o, text, sizeof text - 1);
    panic_print_chain(&o, g_self());
    text[o.len] = '\0';
    cr_expect(strstr(text, "\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x") !=
                  NULL,
              "%s", text);
    gort_recover(NULL);
}

static void signal_line(void)
{
    GORT_SCOPE
    {
        gort_defer(nil_chain, NULL);
        dereference(NULL);
    }
}

Test(errors, chain_ends_with_the_signal)
{
    cr_assert(in_gort(signal_line) == 0);
}
