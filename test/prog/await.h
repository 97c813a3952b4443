/* await.h: what a program does until others wait where it wants them. */
#ifndef TEST_PROG_AWAIT_H
#define TEST_PROG_AWAIT_H

#include <gort.h>
#include <gort/debug.h>

#include <string.h>

/* Gives way until `n` goroutines are said to wait for `reason`, which is as in a traceback: "[sleep]". */
static void await(const char *reason, int n)
{
    static char text[1 << 16];
    int found;
    do {
        gort_gosched();
        text[gort_stack(text, sizeof text - 1, true)] = '\0';
        found = 0;
        for (const char *at = text; (at = strstr(at, reason)) != NULL; at++)
            found++;
    } while (found < n);
}

#endif
