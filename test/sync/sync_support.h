/* sync_support.h: what the tests of this room share. */
#ifndef TEST_SYNC_SUPPORT_H
#define TEST_SYNC_SUPPORT_H

#include "base/atomic.h"
#include "sched/sched.h"
#include "sync/sync.h"

#include "support.h"

#include <criterion/criterion.h>
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Lets others run until `x`; the test's time limit is the bound. */
#define until(x)                                                                                   \
    do {                                                                                           \
        while (!(x))                                                                               \
            gort_sleep(20000);                                                                     \
    } while (0)

/* Runs fn(arg), which must panic with the string `text`. */
static inline void expect_panic(void (*fn)(void *), void *arg, const char *text)
{
    gort_any v = {0};
    cr_expect(gort_try(fn, arg, &v), "no panic: %s", text);
    if (v.type != NULL)
        cr_expect_str_eq(gort_assert(v, gort_string).ptr, text);
}

/* Runs fn as a whole program, which must die of the fatal error `text`. */
static inline void expect_fatal(void (*fn)(void), const char *text)
{
    char *out;
    int status;
    run_forked(fn, &out, &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %#x", (unsigned)status);
    char line[200];
    snprintf(line, sizeof line, "fatal error: %s\n", text);
    cr_expect(strstr(out, line) != NULL, "no %s in:\n%s", line, out);
    free(out);
}

#endif
