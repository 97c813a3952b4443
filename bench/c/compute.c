/* compute.c: work that forks and joins. */
#include "rows.h"

#include <stdlib.h>

static void fib(int64_t n, int64_t *out);

static void fib_child(int64_t n, int64_t *out, gort_waitgroup *wg)
{
    fib(n, out);
    gort_waitgroup_done(wg);
}

static void fib(int64_t n, int64_t *out)
{
    if (n < 2) {
        *out = n;
        return;
    }
    int64_t a = 0, b = 0;
    gort_waitgroup wg = {0};
    gort_waitgroup_add(&wg, 1);
    gort_go(fib_child, n - 1, &a, &wg);
    fib(n - 2, &b);
    gort_waitgroup_wait(&wg);
    *out = a + b;
}

/* A naive fib(25), in which each call that has a sum to make spawns one goroutine. */
void forkjoin_fib(int64_t n)
{
    for (int64_t left = n; left > 0; left -= FIB_SPAWNS) {
        int64_t v = 0;
        fib(25, &v);
        check(v == 75025, "fib: wrong value");
    }
}

static void insertion_sort(uint32_t *v, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        uint32_t x = v[i];
        int64_t j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's, around the median of three. */
static int64_t partition(uint32_t *v, int64_t n)
{
    uint32_t a = v[0], b = v[n / 2], c = v[n - 1];
    if (a > b)
        swap(&a, &b);
    if (b > c)
        b = c;
    if (a > b)
        b = a;
    int64_t i = 0, j = n - 1;
    for (;; i++, j--) {
        while (v[i] < b)
            i++;
        while (v[j] > b)
            j--;
        if (i >= j)
            return i;
        swap(&v[i], &v[j]);
    }
}

static void quicksort(uint32_t *v, int64_t n);

static void quicksort_child(uint32_t *v, int64_t n, gort_waitgroup *wg)
{
    quicksort(v, n);
    gort_waitgroup_done(wg);
}

static void quicksort(uint32_t *v, int64_t n)
{
    if (n <= 32) {
        insertion_sort(v, n);
        return;
    }
    int64_t p = partition(v, n);
    gort_waitgroup wg = {0};
    gort_waitgroup_add(&wg, 1);
    gort_go(quicksort_child, v, p, &wg);
    quicksort(v + p, n - p);
    gort_waitgroup_wait(&wg);
}

/* Sorts n numbers; each part of more than 32 of them is a goroutine of its own. */
void forkjoin_sort(int64_t n)
{
    uint32_t *v = calloc((size_t)n, sizeof *v);
    check(v != NULL, "out of memory");
    uint32_t x = 2463534242;
    for (int64_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        v[i] = x;
    }
    quicksort(v, n);
    for (int64_t i = 1; i < n; i++)
        check(v[i - 1] <= v[i], "sort: out of order");
    free(v);
}
