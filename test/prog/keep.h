/* keep.h: for the programs keep_*.c: an object that is reachable in one way only, and how it is seen
 * that it is still there.
 *
 * A secret is an object whose address the program keeps nowhere but where the test put it; beside it there is
 * only the address with all bits turned round. What the collector frees is overwritten (clobberfree=1),
 * and its slot given out again, so a lost object does not keep its text.
 */
#ifndef TEST_PROG_KEEP_H
#define TEST_PROG_KEEP_H

#include <gort.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TURN(p) (~(uintptr_t)(p))

typedef struct secret {
    struct secret *next;
    char text[40];
} secret;

__attribute__((noinline, unused)) static secret *secret_new(const char *text)
{
    secret *s = gort_alloc(sizeof *s);
    snprintf(s->text, sizeof s->text, "%s", text);
    return s;
}

/* Its address where no collector looks. */
__attribute__((noinline, unused)) static uintptr_t secret_turned(const char *text)
{
    return TURN(secret_new(text));
}

/* Overwrites what earlier calls left below this frame, and in registers. */
__attribute__((noinline, unused)) static void wipe_stack(void)
{
    volatile char junk[16384];
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = 0;
}

/* Collects, and gives every free slot of this size out again. */
__attribute__((noinline, unused)) static void collect(void)
{
    gort_gc();
    for (int i = 0; i < 2000; i++)
        memset(gort_alloc(sizeof(secret)), 0x55, sizeof(secret));
    gort_gc();
}

__attribute__((noinline, unused)) static void show(const char *how, const secret *s,
                                                   const char *text)
{
    printf("%s: %s\n", how, strcmp(s->text, text) == 0 ? "kept" : "LOST");
}

#endif
