/* await.h: what a program does until others wait where it wants them. */
#ifndef TEST_PROG_AWAIT_H
#define TEST_PROG_AWAIT_H

#include <gort.h>
#include <gort/debug.h>

#include <string.h>

static inline int await_count(const char *text, const char *reason)
{
    int found = 0;
    for (const char *at = text; reason != NULL && (at = strstr(at, reason)) != NULL; at++)
        found++;
    return found;
}

/* Gives way until `n` goroutines are said to wait for `reason`, which is as in a traceback: "[sleep]"; or for
 * `other`, unless that is NULL. */
static inline void await_any(const char *reason, const char *other, int n)
{
    static char text[1 << 16];
    do {
        gort_gosched();
        text[gort_stack(text, sizeof text - 1, true)] = '\0';
    } while (await_count(text, reason) + await_count(text, other) < n);
}

static inline void await(const char *reason, int n)
{
    await_any(reason, NULL, n);
}

#endif
