/* written.c: which pages were written, as the kernel saw it.
 *
 * Owns    the descriptors of userfaultfd and of /proc/self/pagemap, and the calls on them.
 * Holds   1. A page of tracked memory is either protected, or counts as written. The first write to a
 *            protected page (by an instruction or by a system call) is resolved inside the kernel,
 *            which takes the protection off; nobody is told, nothing is queued.
 *         2. Collecting reports a page and protects it again in one step: no write falls between.
 *         3. Memory that was mapped anew, given back (MADV_DONTNEED) or never touched is not protected:
 *            it counts as written as soon as there is a page.
 * Locks   none; the kernel's.
 * Order   os_written_start publishes both descriptors by store_rel on `state`.
 *
 * The kernel offers a shorter walk for the question `written?` alone, but that one reports pages that
 * were never touched too, and plants page tables to protect them: fatal for reserved address space. With
 * `present or swapped` as a second condition it looks at each page and leaves holes alone, at the same
 * price. A guard (MADV_GUARD_INSTALL) is reported once, and stays a guard.
 *
 * Not seen are writes that pass by the page tables: a device or io_uring that fills pages it pinned
 * before they were protected. Those are bytes from outside, not pointers.
 *
 * The descriptors stay those of the process that opened them: in the child of a fork they would speak of
 * the parent's memory, and take from the parent what it is to be told. So every call asks who is asking.
 * A program that closes all descriptors stops the tracking, too;
 * collecting then fails, and never answers `nothing was written`.
 */
#include "os/os.h"

#include "os/call.h"
#include "os/fault.h"
#include "os/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>

/* What the headers of older systems lack. */
enum { USER_MODE_ONLY = 1 };
#define FEATURE_WP_UNPOPULATED ((uint64_t)1 << 13)
#define FEATURE_WP_ASYNC       ((uint64_t)1 << 15)
struct page_region {
    uint64_t start, end, categories;
};
struct pm_scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
enum { PM_WP_MATCHING = 1, PM_CHECK_WPASYNC = 2 };
enum { IS_WRITTEN = 1 << 1, IS_PRESENT = 1 << 3, IS_SWAPPED = 1 << 4 };
#define PM_SCAN _IOWR('f', 16, struct pm_scan)

enum { STATE_NEW, STATE_STARTING, STATE_ON, STATE_REFUSED };
static au32 state;
static int refusal; /* const once STATE_REFUSED */
static int uffd = -1, pagemap = -1;
/* A page that reads as zero in the child of a fork, where the descriptors speak of the parent's memory. */
static au32 *here;

static int call(int fd, unsigned long request, void *arg)
{
    return (int)os_call3(SYS_ioctl, fd, request, arg);
}

static bool is_child(void)
{
    return here == NULL || load_rlx(here) == 0;
}

static int note_process(void)
{
    void *page = os_map(os_page_bytes());
    if (page == NULL)
        return -ENOMEM;
    int r = (int)os_call3(SYS_madvise, page, os_page_bytes(), MADV_WIPEONFORK);
    here = page;
    store_rlx(here, 1u);
    return r;
}

static int open_uffd(void)
{
    int flags = O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY;
    return FAULT(uffd_open) ? -EPERM : (int)os_call1(SYS_userfaultfd, flags);
}

static int open_pagemap(void)
{
    static const char path[] = "/proc/self/pagemap";
    return FAULT(pagemap_open) ? -EACCES
                               : (int)os_call4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

static int agree_on_features(int fd)
{
    struct uffdio_api api = {.api = UFFD_API,
                             .features = FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED};
    return FAULT(uffd_api) ? -EINVAL : call(fd, UFFDIO_API, &api);
}

/* Does it work? One page is tracked, protected and written. */
static int try_out(void)
{
    size_t page = os_page_bytes();
    struct os_range run;
    uintptr_t next;
    volatile char *p = os_map(page);
    if (p == NULL)
        return -ENOMEM;
    uintptr_t lo = (uintptr_t)p;
    int r = os_written_track((void *)lo, page);
    p[0] = 1;
    for (int want = 1; r >= 0 && want >= 0; want--) { /* written, then not any more */
        r = os_written_collect(lo, lo + page, &run, 1, &next);
        if (r >= 0 && r != want)
            r = -ENOSYS;
    }
    os_unmap((void *)lo, page);
    return r < 0 ? r : 0;
}

static int start(void)
{
    int r = note_process();
    if (r >= 0)
        r = uffd = open_uffd();
    if (r >= 0)
        r = agree_on_features(uffd);
    if (r >= 0)
        r = pagemap = open_pagemap();
    if (r >= 0)
        r = try_out();
    if (r >= 0)
        return 0;
    if (uffd >= 0)
        os_close(uffd);
    if (pagemap >= 0)
        os_close(pagemap);
    uffd = pagemap = -1;
    return r;
}

int os_written_start(void)
{
    uint32_t s = load_acq(&state); /* pairs with store_rel below */
    if (s == STATE_NEW && cas_acq(&state, (uint32_t)STATE_NEW, (uint32_t)STATE_STARTING)) {
        refusal = start();
        s = refusal == 0 ? STATE_ON : STATE_REFUSED;
        store_rel(&state, s);
    }
    while (s == STATE_STARTING) {
        os_thread_yield();
        s = load_acq(&state);
    }
    return refusal;
}

int os_written_track(void *p, size_t bytes)
{
    if (FAULT(uffd_register))
        return -ENOMEM;
    if (is_child())
        return -ESRCH;
    struct uffdio_register r = {.range = {(uintptr_t)p, bytes}, .mode = UFFDIO_REGISTER_MODE_WP};
    return call(uffd, UFFDIO_REGISTER, &r);
}

void os_written_untrack(void *p, size_t bytes)
{
    struct uffdio_range r = {(uintptr_t)p, bytes};
    if (!is_child())
        (void)call(uffd, UFFDIO_UNREGISTER, &r);
}

static bool all_private(int maps, uintptr_t lo, uintptr_t hi)
{
    while (lo < hi) {
        struct map_query q = {.size = sizeof q, .addr = lo};
        if (call(maps, MAP_QUERY, &q) != 0 || (q.rights & MAP_IS_SHARED) != 0 || q.inode != 0)
            return false;
        lo = (uintptr_t)q.end;
    }
    return true;
}

bool os_written_can_track(uintptr_t lo, uintptr_t hi)
{
    if (FAULT(map_query))
        return false;
    int maps = os_maps_open();
    if (maps < 0)
        return false;
    bool yes = all_private(maps, lo, hi);
    os_close(maps);
    return yes;
}

/* One call of the kernel, for up to COLLECT_RUNS runs. Where it comes to memory that is not tracked it
 * fails, but what it found and protected until then stands in the array. */
enum { COLLECT_RUNS = 256 };
static int scan(uintptr_t lo, uintptr_t hi, struct os_range *out, int n, uintptr_t *next)
{
    struct page_region found[COLLECT_RUNS];
    struct pm_scan s = {
        .size = sizeof s,
        .flags = PM_WP_MATCHING | PM_CHECK_WPASYNC,
        .start = lo,
        .end = hi,
        .vec = (uintptr_t)found,
        .vec_len = (uint64_t)(n < COLLECT_RUNS ? n : COLLECT_RUNS),
        .category_mask = IS_WRITTEN,
        .category_anyof_mask = IS_PRESENT | IS_SWAPPED,
        .return_mask = IS_WRITTEN,
    };
    memset(found, 0, (size_t)s.vec_len * sizeof found[0]);
    int r = FAULT(pagemap_scan) ? -ENOMEM : call(pagemap, PM_SCAN, &s);
    int got = 0;
    while (got < (int)s.vec_len && found[got].end != 0) {
        out[got] = (struct os_range){(uintptr_t)found[got].start, (uintptr_t)found[got].end};
        got++;
    }
    if (r < 0 && got == 0)
        return r;
    *next = r < 0 ? out[got - 1].hi : (uintptr_t)s.walk_end;
    return got;
}

int os_written_collect(uintptr_t lo, uintptr_t hi, struct os_range *out, int n, uintptr_t *next)
{
    int got = 0;
    if (is_child())
        return -ESRCH;
    while (lo < hi && got < n) {
        int r = scan(lo, hi, out + got, n - got, &lo);
        if (r < 0 && got == 0)
            return r;
        if (r < 0)
            break; /* the next call meets it first thing */
        got += r;
    }
    *next = lo;
    return got;
}
