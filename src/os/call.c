/* call.c: the raw system call. */
#include "os/call.h"
#include "os/fault.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* Not inlined: whoever calls may park between two calls, and the compiler would keep the address of
 * this thread's errno. */
NOINLINE int64_t os_call(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e,
                         intptr_t f)
{
    int keep = errno;
    int64_t r = fault_of_call(nr);
    if (unlikely(r != 0))
        return r;
    r = syscall(nr, a, b, c, d, e, f);
    if (unlikely(r < 0)) {
        r = -errno;
        errno = keep;
    }
    return r;
}

NOINLINE int64_t os_call_cancellable(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d,
                                     intptr_t e, intptr_t f)
{
    int type;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    int64_t r = os_call(nr, a, b, c, d, e, f);
    pthread_setcanceltype(type, NULL);
    return r;
}
