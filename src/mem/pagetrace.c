/* pagetrace.c: GODEBUG=pagetrace=FILE, what happens to pages.
 *
 * Owns    the file and the buffers: one for each P and one, P -1, for threads without a P.
 * Holds   1. the file is a row of whole buffers: a word that names the P, a sync word with the time,
 *            then events, with further sync words where the time since the last one does not fit.
 *         2. a buffer is written whole, so the two words of a large event stay together.
 *         3. time never goes back, and two events of different Ps never have the same: a reader that
 *            merges the Ps by time sees the events in the order in which they happened.
 * Locks   `lock`, rank pagetrace, a leaf, over all of it, the write to the file included: a trace is
 *         asked for by who can wait.
 *
 *   bit  63           48 47               13 12      3  2      1 0
 *        time since sync | page of 8 KiB    | npages   | large | 1 alloc 2 free 3 scavenge
 *        time                                              0     0        sync
 *        P                                                 1     0        names the P
 *
 * Times are in units of 128 ns. A large event says 0 pages; the next word is their number.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"
#include "mem/up.h"

#include "base/check.h"
#include "base/fmt.h"
#include "conf/conf.h"
#include "os/call.h"
#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>

enum {
    BUFFER_WORDS = 4096,
    MOST_WORDS = 5, /* of one event: P, sync, sync, event, count */
    NAME_MAX_BYTES = 4096,
    TICK_SHIFT = 7,
    DELTA_SHIFT = 48,
    NPAGES_SHIFT = 3,
    NPAGES_LARGE = 1024,
    LARGE = 4,
    NAMES_P = 4,
};
#define DELTA_LIMIT  ((uint64_t)1 << (64 - DELTA_SHIFT))
#define ADDRESS_MASK ((((uint64_t)1 << ADDRESS_BITS) - 1) & ~(uint64_t)(PAGE_BYTES - 1))

struct buffer {
    struct buffer *next;
    int64_t p;
    uint64_t base; /* ticks, of the last sync */
    size_t n;
    uint64_t word[BUFFER_WORDS];
};

au32 pagetrace_on;
static struct {
    struct lock lock; /* rank pagetrace */
    /* lock: */
    struct buffer *buffers;
    const struct buffer *latest; /* which got the last event, */
    uint64_t tick;               /* and when */
    int fd;
    int64_t
        pid; /* a child of the program has a copy of the buffers, not of the right to write them */
} trace = {.lock = LOCK_INIT(pagetrace)};

static int64_t my_pid(void)
{
    return os_call1(SYS_getpid, 0);
}

static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        int64_t r = os_write(trace.fd, p, n);
        if (r == -EINTR || r == -EAGAIN)
            continue;
        if (r < 0) {
            store_rlx(&pagetrace_on, 0u);
            print("errno=%d\n", -r);
            throw("writeBytes: bad write");
        }
        p += r;
        n -= (size_t)r;
    }
}

static void buffer_flush(struct buffer *b) REQUIRES(trace.lock)
{
    if (my_pid() == trace.pid)
        write_all((const char *)b->word, b->n * sizeof b->word[0]);
    b->n = 0;
}

static struct buffer *buffer_of(int64_t p) REQUIRES(trace.lock)
{
    struct buffer *b = trace.buffers;
    while (b != NULL && b->p != p)
        b = b->next;
    if (b == NULL) {
        b = persist_alloc(sizeof *b, 64);
        b->p = p;
        b->next = trace.buffers;
        trace.buffers = b;
    }
    return b;
}

/* Now, in ticks, as invariant 3 wants it. */
static uint64_t next_tick(const struct buffer *b) REQUIRES(trace.lock)
{
    uint64_t now = (uint64_t)os_nanotime() >> TICK_SHIFT;
    uint64_t least = trace.tick + (b != trace.latest);
    trace.tick = now > least ? now : least;
    trace.latest = b;
    return trace.tick;
}

static void add_time(struct buffer *b, uint64_t tick) REQUIRES(trace.lock)
{
    if (b->n + MOST_WORDS > BUFFER_WORDS)
        buffer_flush(b);
    if (b->n == 0)
        b->word[b->n++] = (uint64_t)b->p << NPAGES_SHIFT | NAMES_P;
    else if (tick - b->base < DELTA_LIMIT)
        return;
    b->word[b->n++] = tick << NPAGES_SHIFT;
    b->base = tick;
}

static void add_event(struct buffer *b, enum pagetrace_event event, uintptr_t base, size_t npages)
    REQUIRES(trace.lock)
{
    uint64_t tick = next_tick(b);
    add_time(b, tick);
    uint64_t word = (tick - b->base) << DELTA_SHIFT | base | (uint64_t)event;
    if (npages < NPAGES_LARGE) {
        b->word[b->n++] = word | npages << NPAGES_SHIFT;
        return;
    }
    b->word[b->n++] = word | LARGE;
    b->word[b->n++] = npages;
}

void pagetrace_write(enum pagetrace_event event, uintptr_t base, size_t npages)
{
    if ((base & ~ADDRESS_MASK) != 0)
        throw("base address not page aligned");
    int p = sched_p_id();
    lock(&trace.lock);
    if (load_rlx(&pagetrace_on) != 0)
        add_event(buffer_of(p), event, base, npages);
    unlock(&trace.lock);
}

void pagetrace_finish(void)
{
    if (load_rlx(&pagetrace_on) == 0)
        return;
    lock(&trace.lock);
    if (load_rlx(&pagetrace_on) != 0) {
        store_rlx(&pagetrace_on, 0u);
        for (struct buffer *b = trace.buffers; b != NULL; b = b->next)
            buffer_flush(b);
        os_close(trace.fd);
    }
    unlock(&trace.lock);
}

bool pagetrace_start(void)
{
    static char name[NAME_MAX_BYTES];
    if (getauxval(AT_SECURE) != 0 || !conf_godebug_string("pagetrace", name, sizeof name))
        return false;
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    int64_t fd =
        FAULT(pagetrace_open) ? -EACCES : os_call4(SYS_openat, AT_FDCWD, name, flags, 0664);
    if (fd < 0)
        return false;
    trace.fd = (int)fd;
    trace.pid = my_pid();
    store_rlx(&pagetrace_on, 1u);
    return true;
}
