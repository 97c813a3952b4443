/* crash.c: a second place for what a dying program prints.
 *
 * Owns    the descriptor of gort_debug_set_crash_output, and when copies begin.
 * Holds   1. what goes to descriptor 2 from the first line of a report on goes to the copy, too; nothing before.
 *         2. a reader of the copy that is gone does not keep the report from descriptor 2.
 * Locks   none. Whoever sets the descriptor while the program dies on another thread may come too late.
 */
#include "panic/report.h"

#include "base/fmt.h"
#include "os/call.h"

#include <gort/debug.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

static ai32 copy_fd = {-1};

void crash_begins(void)
{
    int fd = load_acq(&copy_fd); /* pairs with the swap below */
    if (fd < 0)
        return;
    (void)os_signal_block(SIGPIPE);
    out_copy_to(fd);
}

int gort_debug_set_crash_output(int fd)
{
    int copy = -1;
    if (fd >= 0) {
        copy = (int)os_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            errno = -copy;
            return -1;
        }
    }
    int old = swap_acq_rel(&copy_fd, copy);
    if (old >= 0)
        os_close(old);
    return 0;
}
