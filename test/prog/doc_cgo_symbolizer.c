/* gort_set_cgo_traceback: code that no file describes, here a few instructions made at run time, gets its names from the
 * program's symbolizer: two functions in one, and then a last call to clean up. */
// expect: refused: unsupported version
// expect: jit_inner jit.src:7
// expect: jit_outer jit.src:70
// expect: asked twice of one pc, and once more with none
// expect: refused: call SetCgoTraceback only once
#include <gort.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Calls the function that is its argument, with a frame of its own. */
#if defined(__x86_64__)
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
#else
static const uint32_t code[] = {0xa9bf7bfd, 0x910003fd, 0xd63f0000, 0xa8c17bfd, 0xd65f03c0};
#endif

static char *page;
static uintptr_t asked_pc;
static int asked, ended;

static void symbolizer(void *arg)
{
    struct gort_cgo_symbolizer_arg *a = arg;
    if (a->pc == 0) {
        ended++;
        return;
    }
    if (a->pc - (uintptr_t)page >= sizeof code)
        return;
    if (a->data == 0) {
        asked_pc = a->pc;
        asked = 1;
        *a = (struct gort_cgo_symbolizer_arg){.pc = a->pc,
                                              .file = "jit.src",
                                              .lineno = 7,
                                              .func = "jit_inner",
                                              .entry = (uintptr_t)page,
                                              .more = 1,
                                              .data = 42};
    } else if (a->data == 42 && a->pc == asked_pc && strcmp(a->func, "jit_inner") == 0) {
        asked++;
        a->lineno *= 10;
        a->func = "jit_outer";
        a->more = 0;
    }
}

static void traceback(void *arg)
{
    ((struct gort_cgo_traceback_arg *)arg)->buf[0] = 0;
}

static void context(void *arg)
{
    (void)arg;
}

__attribute__((noinline)) static void look(void)
{
    uintptr_t pcs[32];
    gort_frame f;
    int n = gort_callers(1, pcs, 32);
    gort_frames *frames = gort_callers_frames(pcs, n);
    ended = 0;
    for (bool more = true; more;) {
        more = gort_frames_next(frames, &f);
        if (f.entry == (uintptr_t)page && strncmp(f.function, "jit_", 4) == 0)
            printf("%s %s:%d\n", f.function, f.file, f.line);
    }
}

static void set(void *version)
{
    gort_set_cgo_traceback((int)(intptr_t)version, (void *)traceback, (void *)context,
                           (void *)symbolizer);
}

static void set_others(void *unused)
{
    (void)unused;
    gort_set_cgo_traceback(0, (void *)traceback, (void *)context, (void *)traceback);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_any v;
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    __builtin___clear_cache(page, page + sizeof code);
    if (gort_try(set, (void *)1, &v))
        printf("refused: %s\n", gort_assert(v, gort_string).ptr);
    set(NULL);
    ((void (*)(void (*)(void)))(uintptr_t)page)(look);
    if (asked == 2 && ended >= 1)
        puts("asked twice of one pc, and once more with none");
    set(NULL); /* the same ones */
    if (gort_try(set_others, NULL, &v))
        printf("refused: %s\n", gort_assert(v, gort_string).ptr);
    return 0;
}

GORT_MAIN(run)
