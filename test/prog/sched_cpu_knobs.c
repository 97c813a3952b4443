// env: GODEBUG=cpu.foo,cpu.avx=maybe,cpu.bogus=on,cpu.aes=off,unknown=1,schedtrace=x
// arm64 has options of other names.
// skip-on: arm64
// expect: GODEBUG: no value specified for "cpu.foo"
// expect: GODEBUG: value "maybe" not supported for cpu option "avx"
// expect: GODEBUG: unknown cpu feature "bogus"
// expect: ran
#include <gort.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("ran");
    return 0;
}
GORT_MAIN(run)
