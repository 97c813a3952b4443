/* any_test.c: boxes, type assertions, and how Go prints values. */
#include <criterion/criterion.h>

#include "base/fmt.h"
#include "lang/any.h"
#include "support.h"

#include <gort/panic.h>
#include <stdio.h>
#include <string.h>

typedef int NI;
typedef double NF;
typedef _Bool NB;
typedef gort_string NS;
typedef struct {
    long a, b;
} S;
typedef struct {
    char pad[40];
} undescribed;
typedef int *IP;
typedef float _Complex c64;
typedef double _Complex NC;
GORT_TYPE_NOSCAN(NI)
GORT_TYPE_NOSCAN(NF)
GORT_TYPE_NOSCAN(NB)
GORT_TYPE(NS, ptr)
GORT_TYPE_NOSCAN(S)
GORT_TYPE_NOSCAN(NC)

typedef struct {
    int code;
} failure;
static const char *failure_error(const failure *f)
{
    return f->code == 7 ? "failure seven" : "failure";
}
GORT_TYPE_NOSCAN(failure)
GORT_TYPE_ERROR(failure, failure_error)

typedef long duration;
static const char *duration_string(const duration *d)
{
    return *d == 1 ? "1s" : "many";
}
GORT_TYPE_NOSCAN(duration)
GORT_TYPE_STRINGER(duration, duration_string)

static char text[256];
static const char *printed(gort_any v)
{
    struct out o;
    out_init_mem(&o, text, sizeof text - 1);
    any_print(&o, v);
    text[o.len] = '\0';
    return text;
}
#define EXPECT_TEXT(v, want)                                                                       \
    do {                                                                                           \
        const char *got_ = printed(v);                                                             \
        cr_expect(strcmp(got_, (want)) == 0, "printed %s, not %s", got_, (want));                  \
    } while (0)

static void basic(void)
{
    EXPECT_TEXT(((gort_any){0}), "nil");
    EXPECT_TEXT(gort_box(int, 42), "42");
    EXPECT_TEXT(gort_box(int, -42), "-42");
    EXPECT_TEXT(gort_box(char, 'x'), "120");
    EXPECT_TEXT(gort_box(uintptr_t, 0xdead), "57005");
    EXPECT_TEXT(gort_box(uint64_t, UINT64_MAX), "18446744073709551615");
    EXPECT_TEXT(gort_box(int64_t, INT64_MIN), "-9223372036854775808");
    EXPECT_TEXT(gort_box(uint8_t, 200), "200");
    EXPECT_TEXT(gort_box(uint16_t, 65535), "65535");
    EXPECT_TEXT(gort_box(int8_t, -1), "-1");
    EXPECT_TEXT(gort_box(short, -300), "-300");
    EXPECT_TEXT(gort_box(bool, true), "true");
    EXPECT_TEXT(gort_box(_Bool, 0), "false");
    EXPECT_TEXT(gort_box(double, 3.14159), "+3.141590e+000");
    EXPECT_TEXT(gort_box(double, 1e100), "+1.000000e+100");
    EXPECT_TEXT(gort_box(float, 0.5f), "+5.000000e-001");
    EXPECT_TEXT(gort_any_string("boom"), "boom");
    EXPECT_TEXT(gort_any_string(""), "");
    EXPECT_TEXT(gort_any_string(NULL), "");
    EXPECT_TEXT(gort_any_string("a\nb"), "a\nb");
}

static void named(void)
{
    EXPECT_TEXT(gort_box(NI, 9), "NI(9)");
    EXPECT_TEXT(gort_box(NF, 1.25), "NF(+1.250000e+000)");
    EXPECT_TEXT(gort_box(NB, 1), "NB(true)");
    EXPECT_TEXT(gort_box(NS, {"named", 5}), "NS(\"named\")");
    EXPECT_TEXT(gort_box(c64, 1.5f - 2.5fi), "c64(+1.500000e+000-2.500000e+000i)");
    EXPECT_TEXT(gort_box(NC, 1.0 + 2.0i), "NC(+1.000000e+000+2.000000e+000i)");
    static const gort_string unnamed = {"complex128", 10};
    gort_type t = *gort_typeof(NC);
    t.uncommon = NULL;
    t.string = &unnamed;
    gort_any v = gort_box(NC, 1.5 - 2.5i);
    v.type = &t;
    EXPECT_TEXT(v, "(+1.500000e+000-2.500000e+000i)");
}

static void addresses(void)
{
    char want[64];
    gort_any v = gort_box(S, {1, 2});
    snprintf(want, sizeof want, "(S) 0x%lx", (unsigned long)v.data);
    EXPECT_TEXT(v, want);
    int n = 0;
    v = gort_box(IP, &n);
    cr_expect(v.data == &n);
    snprintf(want, sizeof want, "(IP) 0x%lx", (unsigned long)&n);
    EXPECT_TEXT(v, want);
    v = gort_box(undescribed, {{0}});
    snprintf(want, sizeof want, "(undescribed) 0x%lx", (unsigned long)v.data);
    EXPECT_TEXT(v, want);
    static const gort_string quoted = {"\tmain\tmain.T", 12};
    gort_type t = *gort_typeof(S);
    t.string = &quoted;
    v = (gort_any){&t, NULL};
    EXPECT_TEXT(v, "(main.T) 0x0");
}

static void print_all(void)
{
    basic();
    named();
    addresses();
}

Test(any, prints_as_go_does)
{
    cr_assert(in_gort(print_all) == 0);
}

static void boxes(void)
{
    gort_any v = gort_box(int, 42);
    int n = 1;
    double d = 1;
    cr_expect(gort_assert(v, int) == 42);
    cr_expect(gort_assert_ok(v, int, &n) && n == 42);
    cr_expect(!gort_assert_ok(v, double, &d) && d == 0);
    int32_t w = 5;
    cr_expect(!gort_assert_ok(v, int32_t, &w) && w == 0, "int32_t is another type");
    S s = gort_assert(gort_box(S, {3, 4}), S);
    cr_expect(s.a == 3 && s.b == 4);
    IP p = gort_assert(gort_box(IP, &n), IP);
    cr_expect(p == &n);
    gort_string t = gort_assert(gort_any_string("hello"), gort_string);
    cr_expect(t.len == 5 && strcmp(t.ptr, "hello") == 0);
    undescribed u = gort_assert(gort_box(undescribed, {"pad"}), undescribed);
    cr_expect(strcmp(u.pad, "pad") == 0);
    cr_expect(!gort_assert_ok(((gort_any){0}), int, &n) && n == 0);
}

Test(any, assertions_give_back_what_was_boxed)
{
    cr_assert(in_gort(boxes) == 0);
}

static void methods(void)
{
    cr_expect(strcmp(gort_error_string(gort_box(failure, {7})), "failure seven") == 0);
    cr_expect(strcmp(gort_error_string(gort_box(duration, 1)), "1s") == 0);
    cr_expect(gort_error_string(gort_box(int, 1)) == NULL);
    cr_expect(gort_error_string(gort_box(S, {0})) == NULL);
    cr_expect(gort_error_string((gort_any){0}) == NULL);
    cr_expect(strcmp(gort_error_string(gort_errorf("%s-%d", "a", 5)), "a-5") == 0);
    cr_expect(!gort_is_runtime_error(gort_errorf("x")));
    cr_expect(!gort_is_runtime_error(gort_box(failure, {7})));
    cr_expect(strcmp(gort_assert_error(gort_box(failure, {7})), "failure seven") == 0);
}

Test(any, types_bring_error_and_string)
{
    cr_assert(in_gort(methods) == 0);
}

static void assert_int(void *v)
{
    (void)gort_assert(*(gort_any *)v, int);
}
static void assert_string(void *v)
{
    (void)gort_assert(*(gort_any *)v, gort_string);
}
static void assert_error(void *v)
{
    (void)gort_assert_error(*(gort_any *)v);
}

static void expect_failure(void (*fn)(void *), gort_any v, const char *want)
{
    gort_any e;
    cr_expect(gort_try(fn, &v, &e));
    const char *got = gort_error_string(e);
    cr_expect(got != NULL && strcmp(got, want) == 0, "%s", got);
    cr_expect(gort_is_runtime_error(e));
    EXPECT_TEXT(((gort_any){e.type, NULL}), "(*runtime.TypeAssertionError) 0x0");
}

static void failed_assertions(void)
{
    expect_failure(assert_string, gort_box(int, 1),
                   "interface conversion: interface {} is int, not string");
    expect_failure(assert_int, (gort_any){0}, "interface conversion: interface {} is nil, not int");
    gort_type other = *gort_typeof(int);
    other.size = 2;
    expect_failure(
        assert_int, (gort_any){&other, "xx"},
        "interface conversion: interface {} is int, not int (types from different scopes)");
    expect_failure(assert_error, gort_box(S, {0}),
                   "interface conversion: S is not error: missing method Error");
    expect_failure(assert_error, (gort_any){0},
                   "interface conversion: interface is nil, not error");
}

Test(any, failed_assertions_say_what_go_says)
{
    cr_assert(in_gort(failed_assertions) == 0);
}
