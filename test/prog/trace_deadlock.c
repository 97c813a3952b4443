/* Everybody waits: each goroutine with its reason, its creator, and if it is wired to a thread. */
// exit: 2
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^$
// expect-re: ^goroutine 1 \[chan receive\]:$
// expect-re: ^gort_chan_recv\(\)$
// expect-re: ^run\(\)$
// expect-re: ^\t/.*trace_deadlock\.c:38 \+0x[0-9a-f]+$
// expect-re: ^$
// expect-re: ^goroutine [0-9]+ \[chan send, locked to thread\]:$
// expect-re: ^gort_chan_send\(\)$
// expect-re: ^wait_to_send\(\)$
// expect-re: ^\t/.*trace_deadlock\.c:25 \+0x[0-9a-f]+$
// expect-re: ^created by run$
// expect-re: ^\t/.*trace_deadlock\.c:35 \+0x[0-9a-f]+$
// not: park|arch_switch|runtime stack|fp=0x
#include <gort.h>

#include <stddef.h>

static void wait_to_send(gort_chan *c)
{
    int v = 1;
    gort_lock_os_thread();
    gort_chan_send(c, &v);
    __asm__ volatile("" ::: "memory");
}

static int run(int argc, char **argv)
{
    gort_chan *c = gort_make_chan(int, 0);
    gort_chan *other = gort_make_chan(int, 0);
    int v = argc;
    (void)argv;
    gort_go(wait_to_send, c);
    gort_gosched();
    gort_gosched();
    gort_chan_recv(other, &v);
    return v;
}

GORT_MAIN(run)
