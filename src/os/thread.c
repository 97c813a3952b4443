/* thread.c: threads.
 *
 * Owns    creation and end of threads, messages to them, and the asymmetric barrier.
 */
#include "os/os.h"
#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UNLIMITED_STACK_BYTES ((uintptr_t)8 << 20) /* taken for the limit where there is none */

int os_thread_start(void *(*fn)(void *), void *arg)
{
    if (FAULT(thread_start))
        return -EAGAIN;
    int keep = errno;
    pthread_attr_t attr;
    pthread_t t;
    sigset_t old;
    os_signal_block_all(&old);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int r = pthread_create(&t, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    os_signal_set_mask(&old);
    errno = keep;
    return -r;
}

void os_thread_exit(void)
{
    pthread_exit(NULL);
}

int os_thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

void os_thread_yield(void)
{
    sched_yield();
}

clockid_t os_thread_cpu_clock(void)
{
    clockid_t c;
    if (pthread_getcpuclockid(pthread_self(), &c) != 0)
        return CLOCK_THREAD_CPUTIME_ID;
    return c;
}

int64_t os_clock_read_ns(clockid_t clock)
{
    struct timespec ts;
    if (FAULT(cpu_clock))
        return -EINVAL;
    int keep = errno;
    if (clock_gettime(clock, &ts) != 0) {
        int e = -errno;
        errno = keep;
        return e;
    }
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* What follows the command's name in a stat file of /proc: "S 1 2 3 ...". */
static bool read_stat(const char *path, char *buf, size_t cap, char **rest)
{
    if (FAULT(proc_stat))
        return false;
    int keep = errno;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        errno = keep;
        return false;
    }
    int64_t n = os_read(fd, buf, cap - 1);
    os_close(fd);
    errno = keep;
    buf[n > 0 ? n : 0] = '\0';
    char *end = strrchr(buf, ')');
    if (end == NULL || end[1] != ' ')
        return false;
    *rest = end + 2;
    return true;
}

/* path has room for 64 bytes. */
static void task_path(char *path, int tid, const char *file)
{
    static const char task[] = "/proc/self/task/";
    char digits[16];
    size_t at = sizeof task - 1, n = 0;
    memcpy(path, task, at);
    do {
        digits[n++] = (char)('0' + tid % 10);
        tid /= 10;
    } while (tid > 0);
    while (n > 0)
        path[at++] = digits[--n];
    memcpy(path + at, file, strlen(file) + 1);
}

int os_thread_asleep(int tid)
{
    char path[64], buf[512], *rest;
    task_path(path, tid, "/stat");
    if (!read_stat(path, buf, sizeof buf, &rest))
        return -1;
    return *rest == 'R' ? 0 : 1;
}

/* "SigBlk:\t" and 16 hexadecimal digits. */
static int parse_blocked(const char *status, int sig)
{
    uint64_t mask = 0;
    const char *at = strstr(status, "SigBlk:\t");
    if (at == NULL)
        return -1;
    for (at += strlen("SigBlk:\t"); *at != '\n' && *at != '\0'; at++)
        mask = mask << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return (int)(mask >> (sig - 1) & 1);
}

/* The beginning of a thread's status; empty when the kernel does not say. */
static void read_status(int tid, char *buf, size_t cap)
{
    char path[64];
    buf[0] = '\0';
    if (FAULT(proc_status))
        return;
    int keep = errno;
    task_path(path, tid, "/status");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    int64_t n = fd < 0 ? -1 : os_read(fd, buf, cap - 1);
    if (fd >= 0)
        os_close(fd);
    errno = keep;
    buf[n > 0 ? n : 0] = '\0';
}

int os_thread_blocks(int tid, int sig)
{
    char buf[2048];
    read_status(tid, buf, sizeof buf);
    return parse_blocked(buf, sig);
}

int64_t os_thread_sleeps(int tid)
{
    static const char name[] = "\nvoluntary_ctxt_switches:\t";
    char buf[8192]; /* it stands last, behind masks of all CPUs */
    int64_t n = 0;
    read_status(tid, buf, sizeof buf);
    const char *at = strstr(buf, name);
    if (at == NULL)
        return -1;
    for (at += sizeof name - 1; *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (*at - '0');
    return n;
}

/* The word before the last of "NUMBER ARGUMENT... SP PC\n", in hexadecimal; "running\n" has none. */
static uintptr_t parse_sp(const char *text, int64_t n)
{
    uintptr_t sp = 0;
    while (n > 0 && text[n - 1] != ' ')
        n--;
    n--;
    while (n > 0 && text[n - 1] != ' ')
        n--;
    if (n <= 0 || text[n] != '0' || text[n + 1] != 'x')
        return 0;
    for (n += 2; text[n] != ' '; n++)
        sp = sp << 4 | (uintptr_t)(text[n] <= '9' ? text[n] - '0' : text[n] - 'a' + 10);
    return sp;
}

uintptr_t os_thread_sleeping_sp(int tid)
{
    char path[64], buf[256];
    if (FAULT(proc_syscall))
        return 0;
    int keep = errno;
    task_path(path, tid, "/syscall");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    int64_t n = fd < 0 ? -1 : os_read(fd, buf, sizeof buf);
    if (fd >= 0)
        os_close(fd);
    errno = keep;
    return n > 0 ? parse_sp(buf, n) : 0;
}

int os_thread_count(void)
{
    enum { FIELDS_BEFORE = 17 }; /* from the state to num_threads */
    char buf[512], *rest;
    int count = 0;
    if (!read_stat("/proc/self/stat", buf, sizeof buf, &rest))
        return -1;
    for (int i = 0; i < FIELDS_BEFORE; i++) {
        rest = strchr(rest, ' ');
        if (rest == NULL)
            return -1;
        rest++;
    }
    for (; *rest >= '0' && *rest <= '9'; rest++)
        count = count * 10 + (*rest - '0');
    return count;
}

int os_thread_signal(int tid, int sig)
{
    if (FAULT(thread_signal))
        return -EAGAIN;
    int keep = errno;
    int r = syscall(SYS_tgkill, getpid(), tid, sig) == 0 ? 0 : -errno;
    errno = keep;
    return r;
}

/* Without /proc libc does not know the stack of the first thread, and it may have no memory to tell of
 * another's. The first ends below what the kernel put there, the others where libc has the thread's own
 * data; both are at most as deep as the limit, unless the program asked for more. */
static void guess_stack(uintptr_t *lo, uintptr_t *hi)
{
    struct rlimit limit;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t top = os_thread_id() == getpid() ? getauxval(AT_RANDOM) : os_thread_pointer();
    uintptr_t deep = UNLIMITED_STACK_BYTES;
    if (here > top)
        return;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < top / 2) /* else: no limit */
        deep = limit.rlim_cur;
    *hi = top & ~(uintptr_t)15;
    *lo = here < top - deep ? here : top - deep;
    *lo &= ~(uintptr_t)(os_page_bytes() - 1);
}

void os_thread_stack(uintptr_t *lo, uintptr_t *hi)
{
    pthread_attr_t attr;
    void *base = NULL;
    size_t bytes = 0;
    *lo = *hi = 0;
    if (FAULT(thread_stack) || pthread_getattr_np(pthread_self(), &attr) != 0) {
        guess_stack(lo, hi);
        return;
    }
    if (pthread_attr_getstack(&attr, &base, &bytes) == 0) {
        *lo = (uintptr_t)base;
        *hi = (uintptr_t)base + bytes;
    }
    pthread_attr_destroy(&attr);
}

bool os_has_membarrier(void)
{
    enum { UNKNOWN, YES, NO };
    static au32 have;
    uint32_t h = load_rlx(&have);
    if (h == UNKNOWN) {
        int keep = errno;
        bool ok = !FAULT(membarrier) &&
                  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
        errno = keep;
        h = ok ? YES : NO;
        store_rlx(&have, h);
    }
    return h == YES;
}

void os_membarrier(void)
{
    int keep = errno;
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    errno = keep;
}

void os_exit(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

void os_die_by_signal(int sig)
{
    os_signal_default(sig);
    os_signal_unblock(sig);
    syscall(SYS_tgkill, getpid(), os_thread_id(), sig);
    os_sleep_ns(1000000000);
    os_exit(2);
}
