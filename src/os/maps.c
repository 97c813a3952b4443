/* maps.c: what is mapped at an address, as the kernel's list of this process has it.
 *
 * Owns    the reading of /proc/self/maps.
 * Holds   1. what is not known counts as executable: who asks wants to be sure that it is not.
 *         2. A page that was found executable is remembered as such, for good: in its place in `pages` until
 *            another one takes it.
 * Locks   none. SIGSAFE.
 */
#include "os/maps.h"

#include "base/atomic.h"
#include "os/call.h"
#include "os/fault.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>

int os_maps_open(void)
{
    static const char path[] = "/proc/self/maps";
    return (int)os_call4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* ---- the list as text: lines `lo-hi rwxp ...`, lower addresses first */
struct reading {
    uintptr_t addr;
    enum { IN_LO, IN_HI, IN_RIGHTS, IN_REST } in;
    uintptr_t lo, hi;
    bool executable;
};

static uintptr_t with_digit(uintptr_t n, char c)
{
    return n * 16 + (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void read_char(struct reading *r, char c)
{
    if (r->in == IN_LO && c != '-')
        r->lo = with_digit(r->lo, c);
    else if (r->in == IN_HI && c != ' ')
        r->hi = with_digit(r->hi, c);
    else if (r->in == IN_RIGHTS && c == 'x')
        r->executable = true;
    else if (r->in < IN_RIGHTS || (r->in == IN_RIGHTS && c == ' '))
        r->in++;
    else if (c == '\n')
        *r = (struct reading){.addr = r->addr};
}

static bool is_found(const struct reading *r)
{
    return r->in == IN_REST && r->addr >= r->lo && r->addr < r->hi;
}

bool os_may_execute_by_text(int maps, uintptr_t addr)
{
    enum { BYTES = 1024 };
    char buf[BYTES];
    struct reading r = {.addr = addr};
    for (;;) {
        int64_t n = os_call3(SYS_read, maps, buf, BYTES);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n < 0; /* at the end: nothing is mapped there */
        for (int64_t i = 0; i < n; i++) {
            read_char(&r, buf[i]);
            if (is_found(&r))
                return r.executable;
        }
    }
}

/* ---- one answer */
enum { PAGES = 64, PAGE_SHIFT = 12 };
static au64 pages[PAGES];

static bool ask(uintptr_t addr)
{
    int maps = FAULT(open_file) ? -EMFILE : os_maps_open();
    if (maps < 0)
        return true;
    struct map_query q = {.size = sizeof q, .addr = addr};
    int64_t r = FAULT(map_query) ? -ENOTTY : os_call3(SYS_ioctl, maps, MAP_QUERY, &q);
    bool yes = r == 0         ? (q.rights & MAP_IS_EXECUTABLE) != 0
               : r == -ENOENT ? false
                              : os_may_execute_by_text(maps, addr);
    os_close(maps);
    return yes;
}

bool os_may_execute(uintptr_t addr)
{
    uintptr_t page = addr >> PAGE_SHIFT;
    au64 *place = &pages[page % PAGES];
    if (load_rlx(place) == page && page != 0)
        return true;
    bool yes = ask(addr);
    if (yes)
        store_rlx(place, page);
    return yes;
}
