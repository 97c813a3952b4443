/* One byte behind an object whose slot is longer. */
// expect-re: ERROR: AddressSanitizer: use-after-poison
// expect-re: WRITE of size 1
// expect-re: #0 0x[0-9a-f]+ in write_behind
// exit: 1
#include <gort.h>

static void __attribute__((noinline)) write_behind(volatile char *p, int n)
{
    p[n] = 1;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    write_behind(gort_new_array(char, 13), 13);
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
