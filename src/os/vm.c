/* vm.c: address space from the kernel.
 *
 * Owns    every mmap, madvise and mprotect of the runtime.
 * Holds   1. memory from os_reserve and os_map reads as zero until written.
 * Guards  come from MADV_GUARD_INSTALL where the kernel has it (Linux 6.13): no mapping is split, so
 *         a million stacks fit under vm.max_map_count. Before that, mprotect, which costs two
 *         mappings a guard and fails with -ENOMEM when the kernel's count is used up.
 */
#include "os/os.h"
#include "os/call.h"
#include "os/fault.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { GUARD_UNKNOWN, GUARD_MADVISE, GUARD_MPROTECT };
enum { MADV_NOBODY_KNOWS = 9999 }; /* an emulator that accepts this one installs no guards */
static au32 guard_way;

static void *map(size_t bytes, int flags)
{
    int keep = errno;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    errno = keep;
    return p == MAP_FAILED ? NULL : p;
}

static int advise(void *p, size_t bytes, int advice)
{
    int keep = errno;
    int r = madvise(p, bytes, advice) == 0 ? 0 : -errno;
    errno = keep;
    return r;
}

static int protect(void *p, size_t bytes, int rights)
{
    int keep = errno;
    int r = mprotect(p, bytes, rights) == 0 ? 0 : -errno;
    errno = keep;
    return r;
}

void *os_reserve(size_t bytes)
{
    if (FAULT(vm_reserve))
        return NULL;
    return map(bytes, MAP_PRIVATE | MAP_NORESERVE);
}

void *os_map(size_t bytes)
{
    if (FAULT(vm_map))
        return NULL;
    return map(bytes, MAP_PRIVATE);
}

void *os_map_shared(size_t bytes)
{
    if (FAULT(vm_map_shared))
        return NULL;
    return map(bytes, MAP_SHARED);
}

int os_move(void *from, void *to, size_t bytes)
{
    return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to ? 0 : -errno;
}

void os_unmap(void *p, size_t bytes)
{
    int keep = errno;
    munmap(p, bytes);
    errno = keep;
}

int os_decommit(void *p, size_t bytes)
{
    if (FAULT(vm_decommit))
        return -EINVAL; /* as of pages that the program has locked in memory */
    return advise(p, bytes, MADV_DONTNEED);
}

int os_decommit_lazily(void *p, size_t bytes)
{
    if (FAULT(vm_decommit_lazily))
        return -EINVAL;
    return advise(p, bytes, MADV_FREE);
}

int os_forbid(void *p, size_t bytes)
{
    if (FAULT(vm_forbid))
        return -ENOMEM;
    return protect(p, bytes, PROT_NONE);
}

int os_permit(void *p, size_t bytes)
{
    if (FAULT(vm_permit))
        return -ENOMEM;
    return protect(p, bytes, PROT_READ | PROT_WRITE);
}

void os_no_huge_pages(void *p, size_t bytes)
{
    advise(p, bytes, MADV_NOHUGEPAGE);
}

void os_want_huge_pages(void *p, size_t bytes)
{
    advise(p, bytes, MADV_HUGEPAGE);
}

int os_keep_from_child(void *p, size_t bytes, bool keep)
{
    if (FAULT(vm_keep_from_child))
        return -ENOMEM;
    return advise(p, bytes, keep ? MADV_DONTFORK : MADV_DOFORK);
}

int os_guard(void *p, size_t bytes)
{
    if (FAULT(vm_guard))
        return -ENOMEM;
    if (load_rlx(&guard_way) != GUARD_MPROTECT) {
        if ((load_rlx(&guard_way) == GUARD_MADVISE || advise(p, bytes, MADV_NOBODY_KNOWS) != 0) &&
            advise(p, bytes, MADV_GUARD_INSTALL) == 0) {
            store_rlx(&guard_way, (uint32_t)GUARD_MADVISE);
            return 0;
        }
        store_rlx(&guard_way, (uint32_t)GUARD_MPROTECT);
    }
    return protect(p, bytes, PROT_NONE);
}

int64_t os_copy_memory(void *to, uintptr_t from, size_t n)
{
    if (FAULT(vm_copy))
        return -EPERM;
    struct iovec there = {(void *)from, n}, here = {to, n};
    return os_call(SYS_process_vm_readv, os_call(SYS_getpid, 0, 0, 0, 0, 0, 0), (intptr_t)&here, 1,
                   (intptr_t)&there, 1, 0);
}

int os_pages_in_memory(const void *p, size_t n, unsigned char *in_memory)
{
    if (FAULT(vm_in_memory))
        return -EAGAIN;
    return (int)os_call3(SYS_mincore, p, n * os_page_bytes(), in_memory);
}

size_t os_page_bytes(void)
{
    static au64 known;
    uint64_t bytes = load_rlx(&known);
    if (bytes == 0) {
        bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        store_rlx(&known, bytes);
    }
    return bytes;
}

int64_t os_read_memory(void *to, uintptr_t from, size_t bytes)
{
    struct iovec here = {to, bytes}, there = {(void *)from, bytes};
    if (FAULT(vm_read))
        return -ENOSYS;
    return os_call(SYS_process_vm_readv, getpid(), WORD(&here), 1, WORD(&there), 1, 0);
}

bool os_can_read(uintptr_t at)
{
    enum {
        HOW_NOBODY_KNOWS = 9999
    };                /* what is to be done with the mask is looked at after the mask */
    return at != 0 && /* it would mean that there is no mask */
           os_call4(SYS_rt_sigprocmask, HOW_NOBODY_KNOWS, at, 0, sizeof(uint64_t)) != -EFAULT;
}

unsigned os_pages_readable(uintptr_t at)
{
    enum { PAGES = 32 };
    char bytes[PAGES];
    struct iovec here = {bytes, PAGES}, there[PAGES];
    size_t page = os_page_bytes();
    uintptr_t first = at & ~(uintptr_t)(page - 1);
    for (unsigned i = 0; i < PAGES; i++)
        there[i] = (struct iovec){(void *)(first + i * page), 1};
    int64_t n = os_call(SYS_process_vm_readv, getpid(), WORD(&here), 1, WORD(there), PAGES, 0);
    return n > 0 ? (unsigned)n : 0;
}
