/* callers_walk.h: which frames gort_callers must tell: functions say ENTER as they begin. */
#ifndef CALLERS_WALK_H
#define CALLERS_WALK_H

#include <gort.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uintptr_t entered[256];
static int nentered;

#define ENTER() (entered[nentered++] = (uintptr_t)__builtin_return_address(0))
#define LEAVE() (nentered--)

/* Where each function goes on that has not left, must be told, the innermost first; what the first one returns
 * to comes last, since it lies in the goroutine's function. */
static __attribute__((noinline, unused)) void expect_all_entered(const char *what)
{
    uintptr_t pcs[256];
    for (int times = 0; times < 3; times++) {
        int n = gort_callers(1, pcs, 256), k = nentered;
        for (int i = 0; i < n && k > 0; i++)
            k -= pcs[i] == entered[k - 1];
        if (k != 0 || pcs[n - 1] != entered[0]) {
            printf("%s: %d of %d are missing, %d told\n", what, k, nentered, n);
            for (int i = 0; i < n; i++)
                printf("  %#lx\n", (unsigned long)pcs[i]);
            exit(1);
        }
        for (int room = 0; room < n; room++) { /* a short array has the innermost */
            uintptr_t some[256];
            int m = gort_callers(1, some, room);
            for (int i = 1; i < m; i++)
                if (m != room || some[i] != pcs[i]) {
                    printf("%s: %d of %d, with room for %d\n", what, m, n, room);
                    exit(1);
                }
        }
    }
    printf("%s: ok\n", what);
}

#endif
