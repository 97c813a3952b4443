/* There is nothing to attach to before gort_run. */
// exit: 2
// expect-re: ^fatal error: gort: the runtime is not running \(call gort_run first\)$
#include <gort.h>

int main(void)
{
    return gort_attach_thread();
}
