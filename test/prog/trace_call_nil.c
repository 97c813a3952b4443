/* A call through a function pointer that is nil, or leads to data: the panic is the caller's, on the line of the
 * call, and can be recovered. */
// cflags: -O1 -fno-optimize-sibling-calls
// The sanitizers have frames of their own around the call. Not judged where arm64 is emulated.
// skip-on: asan tsan arm64
// no-fault: open_file
// exit: 2
// expect: the caller is known
// expect: recovered: runtime error: invalid memory address or nil pointer dereference
// expect: the caller is known
// expect: recovered: runtime error: invalid memory address or nil pointer dereference
// expect: no function is at data
// expect-re: ^unexpected fault address 0x[0-9a-f]+$
// expect-re: ^fatal error: fault$
// expect-re: ^\[signal SIGSEGV: segmentation violation code=0x2 addr=0x[0-9a-f]+ pc=0x[0-9a-f]+\]$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^arch_fault_entry\(\)$
// expect-re: ^calls\(\)$
// expect-re: ^\t/.*trace_call_nil\.c:33 \+0x
// expect-re: ^run\(\)$
// not: unexpected return pc|non-Go function|_fini
#include <gort.h>
#include <gort/callers.h>
#include <gort/debug.h>

#include <stdio.h>
#include <string.h>

static long data[8];

static __attribute__((noinline)) void calls(void (*fn)(void))
{
    fn();
    __asm__ volatile("nop");
}

static void look(void *unused)
{
    static char text[4096];
    (void)unused;
    text[gort_stack(text, sizeof text - 1, false)] = '\0';
    const char *at = strstr(text, "\ncalls()\n");
    bool known = at != NULL && strstr(at, "trace_call_nil.c:33 +0x") != NULL &&
                 strstr(at, "\nrun()\n") != NULL;
    puts(known ? "the caller is known" : text);
}

static void call_nil(void *unused)
{
    (void)unused;
    calls(NULL);
}

static void fails(void *on_thread)
{
    GORT_SCOPE
    {
        gort_defer(look, NULL);
        if (on_thread != NULL)
            gort_cgocall(call_nil, NULL);
        else
            calls(NULL);
    }
}

static int run(int argc, char **argv)
{
    gort_any v;
    void (*fn)(void);
    void *p = data;
    (void)argc, (void)argv;
    for (uintptr_t i = 0; i < 2; i++)
        if (gort_try(fails, (void *)i, &v))
            printf("recovered: %s\n", gort_error_string(v));
    puts(gort_func_for_pc((uintptr_t)data) == NULL ? "no function is at data"
                                                   : "a function at data");
    fflush(stdout);
    memcpy(&fn, &p, sizeof fn);
    calls(fn);
    __asm__ volatile("nop");
    return 0;
}

GORT_MAIN(run)
