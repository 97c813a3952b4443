/* written_test.c: the kernel tells which pages were written, and all of them; and how it refuses. */
#include "os/os.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 64 };

static size_t page;

/* Tracked memory; the test is skipped where the kernel does not track. */
static char *tracked(size_t bytes)
{
    page = os_page_bytes();
    if (os_written_start() != 0)
        cr_skip_test("this kernel does not tell which pages were written");
    char *p = os_reserve(bytes);
    cr_assert_not_null(p);
    cr_assert_eq(os_written_track(p, bytes), 0);
    return p;
}

/* Collects with room for n runs at a time; the number of pages, each of which is noted in seen. */
static long collect(char *p, size_t bytes, int n, bool *seen)
{
    struct os_range run[256];
    uintptr_t at = (uintptr_t)p, hi = at + bytes;
    long pages = 0;
    while (at < hi) {
        uintptr_t next = 0;
        int r = os_written_collect(at, hi, run, n, &next);
        if (r < 0)
            return r;
        cr_assert(r <= n && next > at && next <= hi);
        for (int i = 0; i < r; i++) {
            cr_assert(run[i].lo >= at && run[i].lo < run[i].hi && run[i].hi <= next);
            for (uintptr_t a = run[i].lo; a < run[i].hi; a += page, pages++)
                if (seen != NULL)
                    seen[(a - (uintptr_t)p) / page] = true;
        }
        at = next;
    }
    return pages;
}

Test(written, just_what_was_written_is_reported_once)
{
    char *p = tracked(PAGES * os_page_bytes());
    bool seen[PAGES] = {false};
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), 0, "nothing was touched");
    memset(p, 1, PAGES * page);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), PAGES);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), 0);
    p[3 * page] = p[10 * page + 7] = p[PAGES * page - 1] = 2;
    cr_expect_eq(p[20 * page], 1); /* read */
    cr_expect_eq(collect(p, PAGES * page, 256, seen), 3);
    cr_expect(seen[3] && seen[10] && seen[PAGES - 1]);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), 0);
}

Test(written, goes_on_where_there_was_no_room)
{
    char *p = tracked(PAGES * os_page_bytes());
    for (int i = 0; i < PAGES; i += 2)
        p[i * page] = 1;
    struct os_range run[2];
    uintptr_t next;
    cr_expect_eq(os_written_collect((uintptr_t)p, (uintptr_t)p + PAGES * page, run, 2, &next), 2);
    cr_expect(next < (uintptr_t)p + PAGES * page);
    cr_expect_eq(collect(p, PAGES * page, 1, NULL), PAGES / 2 - 2);
    cr_expect_eq(collect(p, PAGES * page, 1, NULL), 0);
}

static long page_tables_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmPTE:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kib;
}

Test(written, untouched_address_space_costs_nothing)
{
    size_t bytes = (size_t)16 << 30;
    char *p = tracked(bytes);
    p[bytes / 2] = 1;
    long before = page_tables_kib();
    cr_expect_eq(collect(p, bytes, 256, NULL), 1);
    cr_expect_eq(collect(p, bytes, 256, NULL), 0);
    cr_expect(page_tables_kib() - before < 64);
}

Test(written, pages_given_back_count_when_they_are_touched_again)
{
    char *p = tracked(PAGES * os_page_bytes());
    bool seen[PAGES] = {false};
    memset(p, 1, PAGES * page);
    collect(p, PAGES * page, 256, NULL);
    cr_assert_eq(madvise(p, 8 * page, MADV_DONTNEED), 0);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), 0);
    p[4 * page] = 1;
    cr_expect_eq(collect(p, PAGES * page, 256, seen), 1);
    cr_expect(seen[4]);
    cr_expect_eq(p[5 * page], 0);
}

Test(written, huge_pages_are_split_by_a_write)
{
    enum { HUGE = 2 << 20 };
    char *p = tracked(8 * HUGE);
    char *at = (char *)(((uintptr_t)p + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    madvise(at, 4 * HUGE, MADV_HUGEPAGE);
    memset(at, 1, 4 * HUGE);
    cr_expect_eq(collect(at, 4 * HUGE, 256, NULL), (long)(4 * HUGE / page));
    cr_expect_eq(collect(at, 4 * HUGE, 256, NULL), 0);
    at[HUGE + 5] = 2;
    long n = collect(at, 4 * HUGE, 256, NULL);
    cr_expect(n >= 1 && n <= (long)(HUGE / page), "%ld", n);
    at[HUGE + 5] = 3;
    at[HUGE + 9 * page] = 3;
    cr_expect(collect(at, 4 * HUGE, 256, NULL) >= 2);
    cr_expect_eq(at[2 * HUGE], 1);
}

Test(written, guards_stay)
{
    char *p = tracked(PAGES * os_page_bytes());
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(os_guard(p + 4 * page, 2 * page), 0);
    p[0] = p[8 * page] = 1;
    for (int i = 0; i < 3; i++) {
        long n = collect(p, PAGES * page, 256, NULL);
        cr_expect(i > 0 ? n == 0 : n >= 2 && n <= 4, "%ld", n);
        cr_expect_eq(write(fds[1], p + 4 * page, 1), -1);
        cr_expect_eq(errno, EFAULT);
    }
}

Test(written, a_system_call_may_write)
{
    char *p = tracked(PAGES * os_page_bytes());
    int fds[2];
    bool seen[PAGES] = {false};
    cr_assert_eq(pipe(fds), 0);
    memset(p, 1, PAGES * page);
    collect(p, PAGES * page, 256, NULL);
    cr_assert_eq(write(fds[1], "pointer", 8), 8);
    cr_expect_eq(read(fds[0], p + 12 * page - 4, 8), 8, "over the edge of two protected pages");
    cr_expect_str_eq(p + 12 * page - 4, "pointer");
    cr_expect_eq(collect(p, PAGES * page, 256, seen), 2);
    cr_expect(seen[11] && seen[12]);
}

Test(written, a_fork_disturbs_nothing_in_the_parent)
{
    char *p = tracked(PAGES * os_page_bytes());
    bool seen[PAGES] = {false};
    memset(p, 1, PAGES * page);
    collect(p, PAGES * page, 256, NULL);
    p[page] = 2; /* before the fork, not collected yet */
    int status = -1, pid = fork();
    if (pid == 0) {
        p[7 * page] = 7;
        struct os_range run;
        uintptr_t next, lo = (uintptr_t)p;
        bool no = os_written_collect(lo, lo + page, &run, 1, &next) == -ESRCH &&
                  os_written_track(p, page) == -ESRCH;
        _exit(no && p[page] == 2 ? 0 : 1);
    }
    p[2 * page] = 2;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    p[3 * page] = 2;
    cr_expect_eq(collect(p, PAGES * page, 256, seen), 3);
    cr_expect(seen[1] && seen[2] && seen[3]);
    cr_expect_eq(p[7 * page], 1);
    p[9 * page] = 2;
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), 1);
}

Test(written, memory_that_is_not_tracked_is_said)
{
    char *p = tracked(PAGES * os_page_bytes());
    memset(p, 1, PAGES * page);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), PAGES);
    os_written_untrack(p + 8 * page, 8 * page);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), -EPERM);
    cr_expect_eq(os_written_track(p, PAGES * page), 0, "what is tracked may be named again");
    cr_expect(collect(p, PAGES * page, 256, NULL) >= 8);
    cr_assert_eq(
        mmap(p, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p);
    cr_expect_eq(collect(p, PAGES * page, 256, NULL), -EPERM, "mapped anew");
    cr_expect_eq(os_written_track(p, PAGES * page), 0);
    cr_expect(collect(p, PAGES * page, 256, NULL) >= 0);
    p = tracked(PAGES * page);
    char *to = os_reserve(PAGES * page);
    cr_assert_eq(mremap(p, PAGES * page, PAGES * page, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
    cr_expect_eq(collect(to, PAGES * page, 256, NULL), -EPERM, "moved");
}

Test(written, what_was_found_before_it_failed_is_not_lost)
{
    char *p = tracked(PAGES * os_page_bytes());
    bool seen[PAGES] = {false};
    memset(p, 1, PAGES * page);
    collect(p, PAGES * page, 256, NULL);
    os_written_untrack(p + 20 * page, page);
    p[2 * page] = p[5 * page] = p[30 * page] = 2;
    cr_expect_eq(collect(p, PAGES * page, 256, seen), -EPERM);
    cr_expect(seen[2] && seen[5] && !seen[30]);
    cr_expect_eq(os_written_track(p, PAGES * page), 0);
    cr_expect_eq(collect(p, PAGES * page, 256, seen), 2);
    cr_expect(seen[20] && seen[30]);
}

Test(written, only_private_memory_can_be_tracked)
{
    tracked(os_page_bytes());
    size_t n = 4 * page;
    char *mine = os_map(n), *shared = os_map_shared(n);
    int fd = open("/proc/self/exe", O_RDONLY);
    char *file = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    cr_assert(mine != NULL && shared != NULL && file != MAP_FAILED);
    if (!os_written_can_track((uintptr_t)mine, (uintptr_t)mine + n))
        cr_skip_test("this kernel does not say what is mapped");
    cr_expect_not(os_written_can_track((uintptr_t)shared, (uintptr_t)shared + n));
    cr_expect_not(os_written_can_track((uintptr_t)file, (uintptr_t)file + page));
    os_unmap(mine + page, page);
    cr_expect_not(os_written_can_track((uintptr_t)mine, (uintptr_t)mine + n));
}

/* ---- nothing is lost while somebody writes */
enum { BUSY_PAGES = 512, ROUNDS = 300 };
static long *busy;
static au32 stop;

static void *scribble(void *arg)
{
    unsigned x = (unsigned)(uintptr_t)arg;
    while (load_rlx(&stop) == 0) {
        x = x * 1664525u + 1013904223u;
        __atomic_fetch_add(&busy[(x >> 8) % BUSY_PAGES * page / sizeof *busy], 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

Test(written, no_write_is_lost)
{
    static long copy[BUSY_PAGES];
    pthread_t t[2];
    busy = (long *)tracked(BUSY_PAGES * os_page_bytes());
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, scribble, (void *)(i + 1));
    for (int round = 0; round <= ROUNDS; round++) {
        static bool seen[BUSY_PAGES];
        memset(seen, 0, sizeof seen);
        if (round == ROUNDS) {
            store_rlx(&stop, 1u);
            for (int i = 0; i < 2; i++)
                pthread_join(t[i], NULL);
        }
        cr_assert(collect((char *)busy, BUSY_PAGES * page, 7, seen) >= 0);
        for (int i = 0; i < BUSY_PAGES; i++)
            if (seen[i])
                copy[i] = __atomic_load_n(&busy[i * page / sizeof *busy], __ATOMIC_RELAXED);
    }
    for (int i = 0; i < BUSY_PAGES; i++)
        cr_expect_eq(copy[i], busy[i * page / sizeof *busy]);
}

/* ---- refusals */
static void start_without_descriptors(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    int r = os_written_start();
    if (r >= 0 || os_written_start() != r) /* once and for all */
        _exit(1);
}

Test(written, without_descriptors_it_is_refused)
{
    int status;
    run_forked(start_without_descriptors, NULL, &status);
    cr_expect_eq(status, 0);
}

static void close_descriptors(void)
{
    struct os_range run;
    uintptr_t next;
    if (os_written_start() != 0)
        _exit(0);
    size_t bytes = os_page_bytes();
    char *p = os_map(bytes);
    int good = os_written_track(p, bytes);
    p[0] = 1;
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    if (good != 0 || os_written_track(p, bytes) != -EBADF ||
        os_written_collect((uintptr_t)p, (uintptr_t)p + bytes, &run, 1, &next) != -EBADF)
        _exit(1);
}

Test(written, closed_descriptors_are_noticed)
{
    int status;
    run_forked(close_descriptors, NULL, &status);
    cr_expect_eq(status, 0);
}

/* From now on system call `nr`, of which argument 1 is `arg` unless that is 0, fails with `err`. */
static void refuse(unsigned nr, unsigned arg, unsigned err)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, arg == 0 ? 2 : 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arg, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_LEN(code), code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        cr_skip_test("no seccomp here");
}

static void expect_refused(unsigned nr, unsigned arg, unsigned err)
{
    int fd = open("/dev/null", O_RDONLY);
    close(fd);
    refuse(nr, arg, err);
    int r = os_written_start();
    if (r == -ENOSYS)
        cr_skip_test("this kernel knows nothing of it");
    cr_expect_eq(r, -(int)err);
    int again = dup(0);
    cr_expect_eq(again, fd, "no descriptor is left over");
}

#define SCAN_REQUEST _IOWR('f', 16, uint64_t[12])

Test(written, refused_userfaultfd)
{
    expect_refused(SYS_userfaultfd, 0, EPERM);
}

Test(written, refused_features)
{
    expect_refused(SYS_ioctl, UFFDIO_API, EINVAL);
}

Test(written, refused_registration)
{
    expect_refused(SYS_ioctl, UFFDIO_REGISTER, ENOMEM);
}

Test(written, refused_pagemap)
{
    expect_refused(SYS_openat, 0, EACCES);
}

Test(written, refused_scan)
{
    expect_refused(SYS_ioctl, SCAN_REQUEST, ENOTTY);
}
