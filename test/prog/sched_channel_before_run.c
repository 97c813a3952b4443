/* Any function that needs the runtime says so, not only the scheduler's own. */
// exit: 2
// expect-re: ^fatal error: gort: the runtime is not running \(call gort_run first\)$
#include <gort.h>

int main(void)
{
    return gort_make_chan(int, 1) == NULL;
}
