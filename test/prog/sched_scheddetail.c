/* GODEBUG=scheddetail: the program passes its own stderr on until goroutine 1 was seen asleep.
 * Its own death is told where stderr was before. */
// env: GOMAXPROCS=2
// env: GODEBUG=schedtrace=10,scheddetail=1
// expect-re: ^SCHED [0-9]+ms: gomaxprocs=2 .* runqueue=[0-9]+ gcwaiting=false nmidlelocked=0 stopwait=[0-9]+ sysmonwait=(true|false)$
// expect-re: ^  P0: status=[0-9] schedtick=[0-9]+ syscalltick=[0-9]+ m=(nil|[0-9]+) runqsize=[0-9]+ gfreecnt=[0-9]+ timerslen=[0-9]+$
// expect-re: ^  M[0-9]+: p=(nil|[01]) curg=(nil|[0-9]+) mallocing=0 throwing=0 preemptoff= locks=[0-9]+ dying=0 spinning=(true|false) blocked=(true|false) lockedg=(nil|[0-9]+)$
// expect-re: ^  G1: status=4\(sleep\) m=nil lockedm=nil$
#include <gort.h>
#include <gort/debug.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_int seen;

/* Once the buffer is half full it begins anew: another trace will follow. */
static void pass_on(int from)
{
    static char text[1 << 16];
    size_t len = 0;
    while (strstr(text, "  G1: status=4(sleep) m=nil lockedm=nil\n") == NULL) {
        len = len > sizeof text / 2 ? 0 : len;
        ssize_t n = read(from, text + len, sizeof text / 2 - 1);
        if (n <= 0 || write(1, text + len, (size_t)n) != n)
            break;
        len += (size_t)n;
        text[len] = '\0';
    }
    seen = 1;
}

static int run(int argc, char **argv)
{
    int p[2];
    (void)argc;
    (void)argv;
    if (gort_debug_set_crash_output(2) != 0 || pipe(p) != 0 || dup2(p[1], 2) != 2)
        return 1;
    gort_go(pass_on, p[0]);
    while (!seen)
        gort_sleep(100 * GORT_MILLISECOND);
    return 0;
}
GORT_MAIN(run)
