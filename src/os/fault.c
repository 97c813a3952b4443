/* fault.c: which call of which kind fails (fault.h).
 *
 * Owns    the names and errors of the system calls that os_call makes; the other points stand where
 *         their calls are.
 */
#include "os/fault.h"

#ifdef GORT_FAULTS
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint32_t FAULT_SAID_AT[] = {1, 2, 5};

static void say(const char *name, uint32_t pass)
{
    const char *path = getenv("GORT_FAULT_SEEN");
    char line[64] = "";
    size_t n = strlen(name);
    int keep = errno;
    if (path == NULL || n > sizeof line - 3)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    memcpy(line, name, n);
    line[n] = ':';
    line[n + 1] = (char)('0' + pass);
    line[n + 2] = '\n';
    syscall(SYS_write, fd, line, n + 3);
    syscall(SYS_close, fd);
    errno = keep;
}

bool fault_hit(const char *name, au32 *passes)
{
    const char *want = getenv("GORT_FAULT");
    size_t n = strlen(name);
    uint32_t now = add_seq(passes, 1u) + 1;
    for (size_t i = 0; i < ARRAY_LEN(FAULT_SAID_AT); i++)
        if (now == FAULT_SAID_AT[i])
            say(name, now);
    if (want == NULL || strncmp(want, name, n) != 0 || want[n] != ':')
        return false;
    char *end;
    uint32_t nth = (uint32_t)strtoul(want + n + 1, &end, 10);
    return now == nth || (*end == '+' && now > nth);
}

int64_t fault_of_call(long nr)
{
    switch (nr) {
    case SYS_epoll_create1:
        return FAULT(epoll_create) ? -EMFILE : 0;
    case SYS_epoll_ctl:
        return FAULT(epoll_ctl) ? -ENOMEM : 0;
    case SYS_epoll_pwait2:
        return FAULT(epoll_pwait2) ? -ENOSYS : 0;
    case SYS_eventfd2:
        return FAULT(eventfd) ? -ENOMEM : 0;
    case SYS_socket:
    case SYS_socketpair:
        return FAULT(socket) ? -EMFILE : 0;
    case SYS_pipe2:
        return FAULT(pipe) ? -EMFILE : 0;
    case SYS_accept4:
        return FAULT(accept) ? -EMFILE : 0;
    case SYS_connect:
        return FAULT(connect) ? -ENOBUFS : 0;
    case SYS_fcntl:
        return FAULT(fcntl) ? -EINVAL : 0;
    case SYS_fstat:
        return FAULT(fstat) ? -EOVERFLOW : 0;
    case SYS_ppoll:
        return FAULT(ppoll) ? -ENOMEM : 0;
    case SYS_read:
    case SYS_recvfrom:
    case SYS_recvmsg:
        return FAULT(receive) ? -ENOMEM : 0;
    case SYS_write:
    case SYS_sendto:
    case SYS_sendmsg:
        return FAULT(send) ? -ENOBUFS : 0;
    default:
        return 0;
    }
}
#else
typedef int fault_has_no_code_here;
#endif
