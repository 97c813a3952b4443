/* Behind a large object. */
// expect-re: ERROR: AddressSanitizer: use-after-poison
// expect-re: WRITE of size 8
// expect-re: #0 0x[0-9a-f]+ in write_behind
// exit: 1
#include <gort.h>

static void __attribute__((noinline)) write_behind(volatile long *p, int n)
{
    p[n] = 1;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    write_behind(gort_new_array(long, 100000), 100000);
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
