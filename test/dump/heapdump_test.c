/* A heap dump begins and ends as it should, whatever the descriptor; test/prog/mem_heapdump.c reads one. */
#include "dump/dump.h"

#include "support.h"

#include <gort/chan.h>
#include <gort/debug.h>
#include <gort/go.h>
#include <gort/mem.h>
#include <gort/time.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int dump_fd;

static void dump_once(void)
{
    cr_expect_eq(gort_debug_write_heap_dump(dump_fd), 0);
}

Test(heapdump, has_its_magic_and_its_end)
{
    char magic[16], last = 1;
    dump_fd = memfd_create("dump", 0);
    cr_expect_eq(in_gort(dump_once), 0);
    off_t size = lseek(dump_fd, 0, SEEK_END);
    cr_assert(size > 1000);
    cr_expect_eq(pread(dump_fd, magic, 16, 0), 16);
    cr_expect(memcmp(magic, "go1.7 heap dump\n", 16) == 0);
    cr_expect_eq(pread(dump_fd, &last, 1, size - 1), 1);
    cr_expect_eq(last, 0);
}

static void dump_nowhere(void)
{
    cr_expect_eq(gort_debug_write_heap_dump(-1), -1);
    cr_expect_eq(errno, EBADF);
}

Test(heapdump, to_a_bad_descriptor_is_an_error)
{
    cr_expect_eq(in_gort(dump_nowhere), 0);
}

static _Atomic int draining;

static void drain(void *arg)
{
    char buf[4096];
    int *fd = arg;
    gort_enter_syscall();
    draining = 1;
    while (read(fd[0], buf, sizeof buf) > 0) {
    }
    gort_exit_syscall();
}

static void drain_beside(int *fd)
{
    gort_cgocall(drain, fd);
}

static void dump_to_pipe(void)
{
    static int fd[2];
    cr_expect_eq(pipe(fd), 0);
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    gort_go(drain_beside, fd); /* in an announced call, which goes on while the world is stopped */
    while (!draining)
        gort_gosched();
    cr_expect_eq(gort_debug_write_heap_dump(fd[1]), 0);
    close(fd[1]);
}

Test(heapdump, waits_for_a_slow_reader)
{
    cr_expect_eq(in_gort(dump_to_pipe), 0);
}
