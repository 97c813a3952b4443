/* uri_test.c: what a client may write, and how Go reads it. */
#include "http/http_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool value_is(const char *query, const char *key, const char *want)
{
    char *v = uri_value(query, key);
    bool same = v != NULL && strcmp(v, want) == 0;
    free(v);
    return same;
}

Test(uri, a_value_is_the_first_of_its_key)
{
    cr_expect(value_is("", "a", ""));
    cr_expect(value_is("a=1", "a", "1"));
    cr_expect(value_is("b=2&a=1&a=3", "a", "1"));
    cr_expect(value_is("a", "a", ""));
    cr_expect(value_is("aa=1&&=&a=x%20y+z", "a", "x y z"));
    cr_expect(value_is("%61=1", "a", "1"));
    cr_expect(value_is("a=1=2", "a", "1=2"));
}

Test(uri, what_is_broken_is_nobodys)
{
    cr_expect(value_is("a=%", "a", ""));
    cr_expect(value_is("a=%4", "a", ""));
    cr_expect(value_is("a=%zz&a=5", "a", "5"));
    cr_expect(value_is("a=1%00&a=6", "a", "6"));
    cr_expect(value_is("a=1;b=2", "b", ""));
}

Test(uri, paths_are_decoded_once)
{
    char out[32];
    cr_expect(uri_decode("/a%2520b+c", 10, false, out));
    cr_expect_str_eq(out, "/a%20b+c");
    cr_expect_not(uri_decode("/a%00", 5, false, out));
    cr_expect_not(uri_decode("/a%2", 4, false, out));
}

Test(uri, whole_numbers_as_strconv_reads_them)
{
    static const struct {
        const char *s;
        bool ok;
        int64_t v;
    } cases[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"+7", true, 7},
        {"", false, 0},
        {"1x", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"1.5", false, 0},
        {"--1", false, 0},
        {"-", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, INT64_MAX},
        {"-99999999999999999999", false, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t v = 1;
        cr_expect_eq(uri_int(cases[i].s, &v), cases[i].ok, "%s", cases[i].s);
        cr_expect_eq(v, cases[i].v, "%s", cases[i].s);
    }
}

Test(uri, fractions)
{
    double v;
    cr_expect(uri_float("0.25", &v) && v == 0.25);
    cr_expect(uri_float("1e2", &v) && v == 100);
    cr_expect(uri_float(".5", &v) && v == 0.5);
    cr_expect_not(uri_float("", &v));
    cr_expect_not(uri_float("nan", &v));
    cr_expect_not(uri_float("inf", &v));
    cr_expect_not(uri_float(" 1", &v));
    cr_expect_not(uri_float("1s", &v));
    cr_expect_not(uri_float("1e999", &v));
}

Test(uri, addresses_of_any_base)
{
    static const struct {
        const char *s;
        bool ok;
        uint64_t v;
    } cases[] = {
        {"0x401234", true, 0x401234},
        {"0X1f", true, 31},
        {"12", true, 12},
        {"017", true, 15},
        {"0b101", true, 5},
        {"0o17", true, 15},
        {"0x", false, 0},
        {"", false, 0},
        {"0xg", false, 0},
        {"08", false, 0},
        {"1_0", false, 0},
        {"0x_1_0", true, 16},
        {"0x1_", false, 0},
        {"0", true, 0},
        {"-1", false, 0},
        {"0xffffffffffffffff", true, UINT64_MAX},
        {"0x10000000000000000", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t v = 0;
        bool ok = uri_uint_any_base(cases[i].s, strlen(cases[i].s), &v);
        cr_expect_eq(ok, cases[i].ok, "%s", cases[i].s);
        cr_expect(!ok || v == cases[i].v, "%s", cases[i].s);
    }
}

/* Every prefix of every string of these characters, in memory that ends where the string does. */
Test(uri, nothing_is_read_behind_the_end)
{
    static const char set[] = "%&=+;a0x_\x80";
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)(rand_r(&seed) % 12);
        char *s = malloc(n + 1), *out = malloc(n + 1);
        uint64_t u;
        int64_t i;
        double d;
        for (size_t k = 0; k < n; k++)
            s[k] = set[rand_r(&seed) % (sizeof set - 1)];
        s[n] = 0;
        free(uri_value(s, "a"));
        (void)uri_decode(s, n, true, out);
        (void)uri_int(s, &i);
        (void)uri_float(s, &d);
        (void)uri_uint_any_base(s, n, &u);
        cr_assert_leq(strlen(s), n);
        free(s);
        free(out);
    }
}

Test(route, paths_and_what_is_below)
{
    const char *name;
    cr_expect(http_route("/metrics", &name)->answer == http_metrics);
    cr_expect(http_route("/debug/pprof/", &name)->answer == http_named && name[0] == 0);
    cr_expect(http_route("/debug/pprof/profile", &name)->answer == http_profile);
    cr_expect(http_route("/debug/pprof/a/b", &name)->answer == http_named);
    cr_expect_str_eq(name, "a/b");
    cr_expect_null(http_route("/debug/pprofx", &name));
    cr_expect_null(http_route("/metrics/", &name));
    cr_expect_null(http_route("", &name));
    cr_expect_eq(http_route("/debug/pprof/symbol", &name)->methods, METHOD_GET | METHOD_POST);
}
