/* heap.c: how collections are felt: by a program with a large heap, with many goroutines, after a peak. */
#include "rows.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct {
    uint64_t words[4];
} leaf;
GORT_TYPE_NOSCAN(leaf)

typedef struct cell cell;
struct cell {
    cell *next;
    leaf *leaf;
    uint64_t key, value;
};
GORT_TYPE(cell, next, leaf)
typedef cell *node_ref;
GORT_TYPE_NOSCAN(gort_mem_stats)

/* Chains of 16 nodes on average; a cell and its leaf are 64 bytes. */
static cell **chains;
static size_t nchains;

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static cell *new_node(cell *next, uint64_t key)
{
    cell *n = gort_new(cell);
    n->leaf = gort_new(leaf);
    n->leaf->words[0] = key;
    n->next = next;
    n->key = key;
    return n;
}

/* Replaces one of the first four nodes of a random chain. */
static void rewire(uint64_t *random)
{
    uint64_t r = next_random(random);
    cell **link = &chains[(r >> 8) % nchains];
    for (int steps = r & 3; steps > 0 && *link != NULL && (*link)->next != NULL; steps--)
        link = &(*link)->next;
    *link = new_node(*link != NULL ? (*link)->next : NULL, r);
}

static void grow_chains(int64_t n, uint64_t *random)
{
    nchains = (size_t)n / 16 + 1;
    chains = gort_new_array(node_ref, nchains);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = next_random(random);
        cell **link = &chains[(r >> 8) % nchains];
        *link = new_node(*link, r);
    }
}

static void check_chains(void)
{
    for (size_t i = 0; i < nchains; i++)
        for (const cell *n = chains[i]; n != NULL; n = n->next)
            check(n->leaf->words[0] == n->key && (n->key >> 8) % nchains == i,
                  "an object is not what it was");
}

static double thread_cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

enum { STEPS = 16, SLOTS = 61 * STEPS };
static uint64_t slots[SLOTS]; /* durations, in steps of a sixteenth of a power of two nanoseconds */

static void slots_add(uint64_t ns)
{
    unsigned power = ns < STEPS ? 3 : 63 - (unsigned)__builtin_clzll(ns);
    slots[(power - 3) * STEPS + (unsigned)(ns < STEPS ? ns : ns >> (power - 4)) % STEPS]++;
}

static double slots_part(double part, int64_t count)
{
    unsigned i = 0;
    for (double left = part * (double)count; i < SLOTS - 1 && (left -= (double)slots[i]) > 0;)
        i++;
    return i < STEPS ? i : (double)((uint64_t)(STEPS + i % STEPS) << (i / STEPS - 1));
}

/* The longest stop of the collections after the first `since`, of the last 256. */
static double longest_stop_us(gort_mem_stats *m, uint32_t since)
{
    uint64_t most = 0;
    gort_read_mem_stats(m);
    for (uint32_t i = since; i < m->num_gc; i++)
        most = m->pause_ns[i % 256] > most ? m->pause_ns[i % 256] : most;
    return (double)most / 1e3;
}

/* What collections cost that nothing runs beside. */
static void collect_alone(gort_mem_stats *m)
{
    enum { TIMES = 2 };
    double cpu = cpu_ms();
    int64_t t0 = gort_nanotime();
    for (int i = 0; i < TIMES; i++)
        gort_gc();
    cpu = (cpu_ms() - cpu) / TIMES;
    gort_read_mem_stats(m);
    figure("gc_ms", (double)(gort_nanotime() - t0) / 1e6 / TIMES);
    figure("mark_ns", cpu * 1e6 / (double)m->heap_objects);
    figure("mark_mb_s", (double)m->heap_alloc / 1e3 / cpu);
}

/* A heap of n nodes, of which a goroutine replaces half as many. */
void heap_live(int64_t n)
{
    uint64_t random = 88172645463325252u;
    gort_mem_stats *m = gort_new(gort_mem_stats);
    gort_debug_set_gc_percent(25);
    grow_chains(n, &random);
    gort_gc();
    gort_lock_os_thread();
    gort_read_mem_stats(m);
    uint32_t since = m->num_gc;
    double cpu = cpu_ms(), own = thread_cpu_ms();
    int64_t ops = n / 2, t0 = gort_nanotime(), last = t0, gap = 0;
    for (int64_t i = 0; i < ops; i++) {
        rewire(&random);
        int64_t now = gort_nanotime();
        slots_add((uint64_t)(now - last));
        gap = now - last > gap ? now - last : gap;
        last = now;
    }
    own = thread_cpu_ms() - own;
    cpu = cpu_ms() - cpu;
    figures.total_ms = (double)(last - t0) / 1e6;
    gort_unlock_os_thread();
    gort_debug_gc_stats *stats = gort_new(gort_debug_gc_stats);
    gort_debug_read_gc_stats(stats);
    figure("stop_us", (double)stats->longest_stop_ns / 1e3);
    figure("stops_us", longest_stop_us(m, since));
    figure("cycles", m->num_gc - since);
    figure("gc_cpu_ms", (cpu - own) / (m->num_gc > since ? m->num_gc - since : 1));
    figure("gap_us", (double)gap / 1e3);
    figure("p50_ns", slots_part(0.5, ops));
    figure("p999_ns", slots_part(0.999, ops));
    collect_alone(m);
    check_chains();
}

static _Atomic int64_t parked;
static gort_chan *parked_on;

static void park_one(void)
{
    atomic_fetch_add(&parked, 1);
    gort_chan_recv(parked_on, NULL);
}

/* The second collection with n goroutines that wait. */
void heap_parked(int64_t n)
{
    parked_on = gort_make_chan(int64_t, 0);
    for (int64_t i = 0; i < n; i++)
        gort_go(park_one);
    while (atomic_load(&parked) < n)
        gort_gosched();
    gort_gc();
    int64_t t0 = gort_nanotime();
    gort_gc();
    figures.total_ms = (double)(gort_nanotime() - t0) / 1e6;
    figure("stop_us", longest_stop_us(gort_new(gort_mem_stats), 0));
}

static atomic_bool collecting;

static void collect(gort_waitgroup *left)
{
    while (atomic_load(&collecting))
        gort_gc();
    gort_waitgroup_done(left);
}

static double write_pages_ns(char *const *pages, int64_t n, int times)
{
    int64_t t0 = gort_nanotime();
    for (int k = 0; k < times; k++)
        for (int64_t i = 0; i < n; i++)
            *(void *volatile *)(void *)pages[i] = NULL;
    return (double)(gort_nanotime() - t0);
}

static int64_t minor_faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt;
}

/* n pages full of pointers, written again and again while collections run: what a page costs that the
 * collector watches. */
void heap_dirty(int64_t n)
{
    enum { TIMES = 100 };
    char **pages = gort_alloc((size_t)n * sizeof *pages);
    for (int64_t i = 0; i < n; i++)
        pages[i] = gort_alloc(4096);
    gort_gc();
    write_pages_ns(pages, n, 1);
    double quiet = write_pages_ns(pages, n, TIMES);
    gort_waitgroup left = {0};
    gort_mem_stats *m = gort_new(gort_mem_stats);
    gort_read_mem_stats(m);
    uint32_t since = m->num_gc;
    gort_waitgroup_add(&left, 1);
    atomic_store(&collecting, true);
    gort_go(collect, &left);
    int64_t faults = minor_faults();
    double busy = write_pages_ns(pages, n, TIMES);
    faults = minor_faults() - faults;
    atomic_store(&collecting, false);
    gort_waitgroup_wait(&left);
    figure("stop_us", longest_stop_us(m, since));
    figure("quiet_ns", quiet / TIMES / (double)n);
    figure("busy_ns", busy / TIMES / (double)n);
    figure("fault_ns", faults > 0 ? (busy - quiet) / (double)faults : 0);
}

static double until_below_ms(int64_t kib)
{
    int64_t t0 = gort_nanotime();
    while (status_kib("VmRSS:") > kib && gort_nanotime() - t0 < 20 * GORT_SECOND)
        gort_sleep(10 * GORT_MILLISECOND);
    return (double)(gort_nanotime() - t0) / 1e6;
}

/* The table is emptied too: some forgotten register may still point to it. */
static void rise(int64_t mib, uint64_t *random)
{
    grow_chains(mib << 14, random);
    memset(chains, 0, nchains * sizeof *chains);
    chains = NULL;
}

/* After n MiB of objects are garbage: how long most of their memory stays. */
void heap_peak(int64_t n)
{
    uint64_t random = 88172645463325252u;
    rise(n, &random);
    int64_t before = status_kib("VmRSS:");
    gort_gc();
    gort_gc();
    figures.total_ms = until_below_ms(before / 4);
    rise(n, &random);
    int64_t t0 = gort_nanotime();
    gort_debug_free_os_memory();
    figure("free_ms", (double)(gort_nanotime() - t0) / 1e6);
    figure("left_mib", (double)status_kib("VmRSS:") / 1024);
}
