/* text_test.c: what leaves as HTML, JSON and Prometheus' text means nothing but itself. */
#include "http/http_int.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is(struct text *t, const char *want)
{
    bool same = !t->failed && t->len == strlen(want) && memcmp(t->p, want, t->len) == 0;
    if (!same)
        cr_log_error("%.*s instead of %s", (int)t->len, t->p, want);
    text_free(t);
    return same;
}

#define ESCAPED(how, in, want)                                                                     \
    do {                                                                                           \
        struct text t = {0};                                                                       \
        how(&t, in, sizeof in - 1);                                                                \
        cr_expect(is(&t, want));                                                                   \
    } while (0)

Test(text, html)
{
    ESCAPED(text_html, "a<b>&\"'c", "a&lt;b&gt;&amp;&quot;&#39;c");
    ESCAPED(text_html, "\x80\xff ok \xc3\xa9", "\xef\xbf\xbd\xef\xbf\xbd ok \xc3\xa9");
    ESCAPED(text_html, "\x01\x7f\t\n", "\xef\xbf\xbd\xef\xbf\xbd\t\n");
}

Test(text, json)
{
    ESCAPED(text_json, "a\"b\\c\n\t\x01", "\"a\\\"b\\\\c\\n\\t\\u0001\"");
    ESCAPED(text_json, "</script><!--&", "\"\\u003c/script\\u003e\\u003c!--\\u0026\"");
    ESCAPED(text_json, "\xe2\x80\xa8x\xe2\x80\xa9", "\" x \"");
    ESCAPED(text_json, "\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

/* Overlong, surrogates, beyond the last, cut off: each byte is replaced. */
Test(text, what_is_not_utf8)
{
    ESCAPED(text_json, "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    ESCAPED(text_json, "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    ESCAPED(text_json, "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    ESCAPED(text_json, "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(text, labels)
{
    ESCAPED(text_label, "a\"b\\c\nd", "a\\\"b\\\\c\\nd");
}

Test(text, shortest_numbers_read_back)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0, "0"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "5e-324"},
        {1e21, "1e+21"},
        {(double)INFINITY, "+Inf"},
        {-(double)INFINITY, "-Inf"},
        {(double)NAN, "NaN"},
        {-2.5, "-2.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text t = {0};
        text_double(&t, cases[i].v);
        cr_expect(is(&t, cases[i].want));
    }
}

Test(text, long_lines_are_whole)
{
    char word[3000];
    struct text t = {0};
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = 0;
    text_printf(&t, "%s%d", word, 7);
    cr_expect_eq(t.len, sizeof word);
    cr_expect(t.p[t.len - 1] == '7' && t.p[0] == 'w');
    text_free(&t);
}

Test(prometheus, names)
{
    struct text t = {0};
    prometheus_name(&t, "/gc/heap/allocs-by-size:bytes", false);
    cr_expect(is(&t, "go_gc_heap_allocs_by_size_bytes"));
    prometheus_name(&t, "/cpu/classes/gc/mark/assist:cpu-seconds", true);
    cr_expect(is(&t, "go_cpu_classes_gc_mark_assist_cpu_seconds_total"));
    prometheus_name(&t, "/a:x/y", false);
    cr_expect(is(&t, "go_a_x_per_y"));
}

static bool rebucketed(const double *in, size_t n, double base, bool to_one, const double *want,
                       size_t k)
{
    double b[16];
    memcpy(b, in, n * sizeof *in);
    return prometheus_rebucket(b, n, base, to_one) == k && memcmp(b, want, k * sizeof *want) == 0;
}

Test(prometheus, buckets_become_coarser)
{
    const double inf = (double)INFINITY;
    const double bytes[] = {1, 9, 17, 25, 33, 49, 65, inf}, by2[] = {1, 9, 25, 65, inf};
    cr_expect(rebucketed(bytes, 8, 2, false, by2, 5));
    const double time[] = {-inf, 0, 1e-9, 5e-9, 2e-8, 0.5, 4, 10, 50, inf},
                 by10[] = {-inf, 0, 1e-9, 2e-8, 0.5, inf};
    cr_expect(rebucketed(time, 10, 10, true, by10, 6));
    const double below[] = {-100, -50, -10, -1, 0, 5, inf}, out[] = {-100, -50, -10, -1, 0, 5, inf};
    cr_expect(rebucketed(below, 7, 2, false, out, 7));
    const double two[] = {0, inf};
    cr_expect(rebucketed(two, 2, 10, true, two, 2));
}
