/* gort_run without a function is a go statement without one. */
// exit: 2
// expect-re: ^fatal error: go of nil func value$
#include <gort.h>

int main(int argc, char **argv)
{
    return gort_run(NULL, argc, argv);
}
