/* names_chain.c: a chain of calls that knows what its frames are to be called, and where they are.
 *
 * Built in many ways by scripts/matrix. KNOWN says what the build left to be found: 2 names, files and lines, also
 * of inlined calls; 1 names of functions that have a frame. */
#include <gort.h>
#include <stdio.h>
#include <string.h>

#ifndef KNOWN
#define KNOWN 2
#endif

#define INTO_CALLER static inline __attribute__((always_inline))
#define STAY        __asm__ volatile("" ::: "memory") /* no call is the last thing a function does */

int chain(int n);
void through_assembly(void (*fn)(void));

enum { PCS = 64 };
static uintptr_t pcs[PCS];
static int npcs;

/* GCC moves what leads to a cold function to a part of its own: splitter.cold. */
__attribute__((cold, noinline)) void leaf(void)
{
    npcs = gort_callers(1, pcs, PCS);
    STAY;
}
enum { LEAF_LINE = __LINE__ - 3 };

INTO_CALLER void inner(int n)
{
    if (n > 2)
        leaf();
    STAY;
}
enum { INNER_LINE = __LINE__ - 3 };

INTO_CALLER void middle(int n)
{
    inner(n + 1);
    STAY;
}
enum { MIDDLE_LINE = __LINE__ - 3 };

volatile int wanted = 2;

__attribute__((noinline)) void splitter(void)
{
    if (__builtin_expect(wanted > 1, 0)) {
        middle(wanted);
        STAY;
    }
    wanted++;
}
enum { SPLITTER_LINE = __LINE__ - 5 };

__attribute__((noinline)) int outer(int n)
{
    char *room = __builtin_alloca((size_t)n * 100);
    room[0] = 1;
    __asm__ volatile("" ::"r"(room) : "memory");
    through_assembly(splitter);
    return room[0];
}
enum { OUTER_LINE = __LINE__ - 3 };

static const struct expected {
    const char *name;
    int line; /* 0: not in this file */
    bool inlined;
} expected[] = {
    {"leaf", LEAF_LINE, false},     {"inner", INNER_LINE, true},
    {"middle", MIDDLE_LINE, true},  {"splitter", SPLITTER_LINE, false},
    {"through_assembly", 0, false}, {"outer", OUTER_LINE, false},
};

static bool is_as_expected(const gort_frame *f, const struct expected *e)
{
    if (strncmp(f->function, e->name, strlen(e->name)) != 0)
        return false;
    if ((f->func == NULL) != e->inlined)
        return false;
    if (KNOWN == 2 && e->line != 0 &&
        (f->line != e->line || strstr(f->file, "names_chain.c") == NULL || f->file[0] != '/'))
        return false;
    if (f->func != NULL &&
        (gort_func_entry(f->func) != f->entry || strcmp(gort_func_name(f->func), f->function) != 0))
        return false;
    return true;
}

static int failed(const char *why)
{
    gort_frames *all = gort_callers_frames(pcs, npcs);
    gort_frame f;
    printf("%s\n", why);
    while (gort_frames_next(all, &f) || f.function[0] != '\0')
        printf("  %s %s:%d pc %#lx entry %#lx %s\n", f.function, f.file, f.line,
               (unsigned long)f.pc, (unsigned long)f.entry, f.func == NULL ? "inlined" : "");
    return 1;
}

static int check_entries(void)
{
    uintptr_t of[] = {(uintptr_t)leaf, (uintptr_t)splitter, (uintptr_t)outer};
    static const char *const names[] = {"leaf", "splitter", "outer"};
    for (int i = 0; i < 3; i++) {
        const gort_func *f = gort_func_for_pc(of[i]);
        if (f == NULL || strcmp(gort_func_name(f), names[i]) != 0 || gort_func_entry(f) != of[i])
            return failed("a function's entry is not its own");
    }
    return 0;
}

__attribute__((noinline)) int chain(int n)
{
    gort_frame f;
    if (outer(n) != 1)
        return 2;
    gort_frames *all = gort_callers_frames(pcs, npcs);
    bool more = true;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (KNOWN < 2 && expected[i].inlined)
            continue;
        if (!more)
            return failed("the chain ends early");
        more = gort_frames_next(all, &f);
        if (!is_as_expected(&f, &expected[i]))
            return failed(expected[i].name);
    }
    return check_entries();
}
