/* memstat.c: who got how much memory from the system, and how many objects were born.
 *
 * Owns    the counters behind MemStats that belong to this room. The heap's pages are counted by
 *         pages.c under its lock, the objects by each cache, which adds them here when flushed.
 * Locks   none: the counters are atomic, and exact when the world is stopped and caches
 *         are flushed.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

static ai64 sys_bytes[SYS_COUNT];
static au64 taken[CLASSES];
static au64 large_bytes;
static au64 tiny;
static au64 cache_bytes;

void memstat_add(enum mem_sys what, int64_t bytes)
{
    add_rlx(&sys_bytes[what], bytes);
}

void memstat_add_class(unsigned class, uint64_t n)
{
    add_rlx(&taken[class], n);
}

void memstat_add_large(uint64_t bytes)
{
    add_rlx(&taken[0], (uint64_t)1);
    add_rlx(&large_bytes, bytes);
}

void memstat_add_tiny(uint64_t n)
{
    add_rlx(&tiny, n);
}

void memstat_add_cache(uint64_t bytes)
{
    add_rlx(&cache_bytes, bytes);
}

void mem_usage_read(struct mem_usage *u)
{
    for (int i = 0; i < SYS_COUNT; i++)
        u->sys[i] = (uint64_t)load_rlx(&sys_bytes[i]);
    for (int c = 0; c < CLASSES; c++)
        u->taken[c] = load_rlx(&taken[c]);
    u->large_bytes = load_rlx(&large_bytes);
    u->tiny = load_rlx(&tiny);
    u->span_inuse = load_rlx(&span_structs.inuse_bytes);
    u->cache_inuse = load_rlx(&cache_bytes);
    pages_usage(u);
}

void mem_usage_now(struct mem_usage *u)
{
    mem_usage_read(u);
    mem_cache_count_all(u);
    pages_usage(u); /* after what lies in them */
}

uint64_t mem_mapped_ready(void)
{
    uint64_t bytes = mem_heap_retained();
    for (int i = 0; i < SYS_COUNT; i++)
        bytes += (uint64_t)load_rlx(&sys_bytes[i]);
    return bytes;
}
