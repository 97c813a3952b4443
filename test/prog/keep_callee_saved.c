/* A pointer in a callee-saved register, across a call that parks the goroutine, and across a read that
 * nobody announced. */
// env: GODEBUG=clobberfree=1
// expect: parked: kept
// expect: in a silent call: kept
// expect: in an announced call: kept
// skip-on: arm64
#include "keep.h"
#include <sys/syscall.h>
#include <unistd.h>

static gort_chan *c;
static int ends[2];
static _Atomic int inside;

__attribute__((used)) static void wait_parked(void)
{
    inside = 1;
    gort_chan_recv(c, NULL);
}

__attribute__((used)) static void wait_silently(void)
{
    char byte;
    inside = 1;
    if (syscall(SYS_read, ends[0], &byte, 1) != 1)
        perror("read");
}

__attribute__((used)) static void wait_announced(void)
{
    gort_enter_syscall();
    wait_silently();
    gort_exit_syscall();
}

/* Calls fn with the secret's address in r12 and nowhere else. */
static secret *hold(uintptr_t turned, void (*fn)(void))
{
    secret *s;
    __asm__ volatile("movq %[t], %%r12\n\t"
                     "notq %%r12\n\t"
                     "movq %%rsp, %%rbx\n\t"
                     "subq $128, %%rsp\n\t"
                     "andq $-16, %%rsp\n\t"
                     "call *%[fn]\n\t"
                     "movq %%rbx, %%rsp\n\t"
                     "movq %%r12, %[s]\n\t"
                     "xorl %%r12d, %%r12d"
                     : [s] "=a"(s)
                     : [t] "r"(turned), [fn] "r"(fn)
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "cc",
                       "memory");
    return s;
}

static void holder(void (*fn)(void), const char *how)
{
    uintptr_t turned = secret_turned("in r12");
    wipe_stack();
    show(how, hold(turned, fn), "in r12");
    inside = 2;
}

static void begin(void (*fn)(void), const char *how)
{
    inside = 0;
    gort_go(holder, fn, how);
    while (inside == 0)
        gort_gosched();
    gort_sleep(2000000); /* so that it is in the call; the test holds if it is not, too */
    collect();
}

static void end(void)
{
    while (inside != 2)
        gort_gosched();
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    c = gort_make_chan(int, 0);
    if (pipe(ends) != 0)
        return 1;
    begin(wait_parked, "parked");
    gort_chan_send(c, &(int){1});
    end();
    begin(wait_silently, "in a silent call");
    if (write(ends[1], "x", 1) != 1)
        return 1;
    end();
    begin(wait_announced, "in an announced call");
    if (write(ends[1], "x", 1) != 1)
        return 1;
    end();
    return 0;
}
GORT_MAIN(run)
