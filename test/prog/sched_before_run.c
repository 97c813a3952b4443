/* Use before gort_run is reported, with what to do about it. */
// exit: 2
// expect-re: ^fatal error: gort: the runtime is not running \(call gort_run first\)$
#include <gort.h>

int main(void)
{
    gort_gosched();
    return 0;
}
