// expect: nothing yet
// expect: 3 collections
// expect: the latest first
// expect: the total is their sum
// expect: quantiles go from the shortest to the longest
// expect: one quantile is the longest
// skip-on: hostile
#include <gort.h>

#include <stdio.h>

enum { FIVE = 5 };

static void before_any(gort_debug_gc_stats *s)
{
    bool zero = true;
    gort_debug_read_gc_stats(s);
    for (int i = 0; i < FIVE; i++)
        zero = zero && s->quantiles[i] == 0;
    if (zero && s->num_gc == 0 && s->npauses == 0 && s->last_gc == 0 && s->pause_total_ns == 0)
        printf("nothing yet\n");
}

static void after_three(gort_debug_gc_stats *s)
{
    int64_t sum = 0, longest = 0;
    bool sorted = true;
    gort_debug_read_gc_stats(s);
    printf("%d collections\n", (int)s->num_gc);
    for (size_t i = 0; i < s->npauses; i++) {
        sum += s->pause_ns[i];
        longest = s->pause_ns[i] > longest ? s->pause_ns[i] : longest;
        sorted = sorted && (i == 0 || s->pause_end[i] <= s->pause_end[i - 1]);
    }
    if (s->npauses == 3 && sorted && s->pause_end[0] > 0 && s->last_gc >= s->pause_end[0])
        printf("the latest first\n");
    if (sum == s->pause_total_ns)
        printf("the total is their sum\n");
    sorted = s->quantiles[0] > 0;
    for (int i = 1; i < FIVE; i++)
        sorted = sorted && s->quantiles[i - 1] <= s->quantiles[i];
    if (sorted && s->quantiles[FIVE - 1] == longest)
        printf("quantiles go from the shortest to the longest\n");
}

static int program(int argc, char **argv)
{
    static gort_debug_gc_stats s;
    int64_t quantiles[FIVE] = {1, 1, 1, 1, 1};
    (void)argc;
    (void)argv;
    s.nquantiles = FIVE;
    s.quantiles = quantiles;
    gort_debug_set_gc_percent(-1);
    before_any(&s);
    for (int i = 0; i < 3; i++)
        gort_gc();
    after_three(&s);
    s.nquantiles = 1;
    int64_t longest = quantiles[FIVE - 1];
    gort_debug_read_gc_stats(&s);
    if (quantiles[0] == longest)
        printf("one quantile is the longest\n");
    return 0;
}

GORT_MAIN(program)
