// env: GOMAXPROCS=2
// env: GODEBUG=schedtrace=10,scheddetail=1
// expect-re: ^SCHED [0-9]+ms: gomaxprocs=2 .* runqueue=[0-9]+ gcwaiting=false nmidlelocked=0 stopwait=[0-9]+ sysmonwait=(true|false)$
// expect-re: ^  P0: status=[0-9] schedtick=[0-9]+ syscalltick=[0-9]+ m=(nil|[0-9]+) runqsize=[0-9]+ gfreecnt=[0-9]+ timerslen=[0-9]+$
// expect-re: ^  M[0-9]+: p=(nil|[01]) curg=(nil|[0-9]+) mallocing=0 throwing=0 preemptoff= locks=[0-9]+ dying=0 spinning=(true|false) blocked=(true|false) lockedg=(nil|[0-9]+)$
// expect-re: ^  G1: status=4\(sleep\) m=nil lockedm=nil$
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_sleep(100 * 1000000);
    return 0;
}
GORT_MAIN(run)
