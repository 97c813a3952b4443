/* vm.c: address space from the kernel.
 *
 * Owns    every mmap, madvise and mprotect of the runtime.
 * Holds   1. memory from os_reserve and os_map reads as zero until written.
 * Guards  come from MADV_GUARD_INSTALL where the kernel has it (Linux 6.13): no mapping is split, so
 *         a million stacks fit under vm.max_map_count. Before that, mprotect, which costs two
 *         mappings a guard and fails with -ENOMEM when the kernel's count is used up.
 */
#include "os/os.h"
#include "os/fault.h"

#include <errno.h>
#include <sys/mman.h>
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
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    errno = keep;
    return p == MAP_FAILED ? NULL : p;
}

void *os_reserve(size_t bytes)
{
    if (FAULT(vm_reserve))
        return NULL;
    return map(bytes, MAP_NORESERVE);
}

void *os_map(size_t bytes)
{
    if (FAULT(vm_map))
        return NULL;
    return map(bytes, 0);
}

void os_unmap(void *p, size_t bytes)
{
    int keep = errno;
    munmap(p, bytes);
    errno = keep;
}

void os_decommit(void *p, size_t bytes)
{
    if (FAULT(vm_decommit))
        return;
    int keep = errno;
    madvise(p, bytes, MADV_DONTNEED);
    errno = keep;
}

void os_no_huge_pages(void *p, size_t bytes)
{
    int keep = errno;
    madvise(p, bytes, MADV_NOHUGEPAGE);
    errno = keep;
}

int os_guard(void *p, size_t bytes)
{
    if (FAULT(vm_guard))
        return -ENOMEM;
    int keep = errno;
    int r = 0;
    if (load_rlx(&guard_way) != GUARD_MPROTECT) {
        if ((load_rlx(&guard_way) == GUARD_MADVISE || madvise(p, bytes, MADV_NOBODY_KNOWS) != 0) &&
            madvise(p, bytes, MADV_GUARD_INSTALL) == 0) {
            store_rlx(&guard_way, (uint32_t)GUARD_MADVISE);
            errno = keep;
            return 0;
        }
        store_rlx(&guard_way, (uint32_t)GUARD_MPROTECT);
    }
    if (mprotect(p, bytes, PROT_NONE) != 0)
        r = -errno;
    errno = keep;
    return r;
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
