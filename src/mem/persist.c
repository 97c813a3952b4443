/* persist.c: memory for the runtime's own tables.
 *
 * Owns    chunks from which pieces are cut and never given back; and tables that grow by moving.
 * Holds   1. used <= bytes of the chunk; it only grows.
 *         2. a piece is zeroed: chunks come from the kernel, and no piece is handed out twice.
 * Locks   none, so that it serves before the scheduler, outside of it, and under any lock.
 * Order   a new chunk is published by cas_acq_rel on `current`, read by load_acq.
 * Instead of a lock: a thread may be stopped outside the runtime while it holds one, and whoever
 *         stopped it may need memory. Two threads that find a chunk full both map a new one; the
 *         loser gives its own back.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"

#include <string.h>

struct chunk {
    au64 used; /* bytes, this header included */
};
static aptr current; /* struct chunk, PERSIST_CHUNK bytes */

static void *chunk_cut(struct chunk *c, size_t bytes, size_t align)
{
    for (;;) {
        uint64_t used = load_rlx(&c->used);
        uint64_t at = round_up(used, align);
        if (at + bytes > PERSIST_CHUNK)
            return NULL;
        if (cas_acq_rel(&c->used, used, at + bytes))
            return (char *)c + at;
    }
}

static bool chunk_replace(struct chunk *full)
{
    struct chunk *c = os_map(PERSIST_CHUNK);
    if (c == NULL)
        return false;
    store_rlx(&c->used, (uint64_t)sizeof *c);
    if (!cas_acq_rel(&current, (void *)full, (void *)c)) /* pairs with load_acq below */
        os_unmap(c, PERSIST_CHUNK);
    else
        memstat_add(SYS_OTHER, (int64_t)PERSIST_CHUNK);
    return true;
}

static void *persist_whole_pages(size_t bytes, enum mem_sys what)
{
    bytes = round_up(bytes, os_page_bytes());
    void *p = os_map(bytes);
    if (p != NULL)
        memstat_add(what, (int64_t)bytes);
    return p;
}

/* NULL when the kernel refuses. */
static void *persist_cut(size_t bytes, size_t align, enum mem_sys what)
{
    for (;;) {
        struct chunk *c = load_acq(&current);
        void *p = c == NULL ? NULL : chunk_cut(c, bytes, align);
        if (p != NULL) {
            memstat_add(SYS_OTHER, -(int64_t)bytes);
            memstat_add(what, (int64_t)bytes);
            return p;
        }
        if (!chunk_replace(c))
            return NULL;
    }
}

void *persist_alloc_for(size_t bytes, size_t align, enum mem_sys what)
{
    CHECK(align > 0 && align <= 4096 && (align & (align - 1)) == 0);
    bool whole = bytes + align > PERSIST_CHUNK / 4;
    void *p = whole ? persist_whole_pages(bytes, what) : persist_cut(bytes, align, what);
    if (p == NULL)
        throw("runtime: cannot allocate memory");
    return p;
}

void *persist_alloc(size_t bytes, size_t align)
{
    return persist_alloc_for(bytes, align, SYS_OTHER);
}

void *mem_table_grow(void *old, size_t old_bytes, size_t new_bytes)
{
    size_t page = os_page_bytes();
    size_t from = round_up(old_bytes, page), to = round_up(new_bytes, page);
    void *p = NULL;
    if (old != NULL && from == to) {
        if (new_bytes < old_bytes)
            memset((char *)old + new_bytes, 0, old_bytes - new_bytes);
        return old; /* behind the table it is zero, as it was */
    }
    if (to > 0) {
        p = os_map(to);
        if (p == NULL)
            return NULL;
        if (old != NULL)
            memcpy(p, old, old_bytes < new_bytes ? old_bytes : new_bytes);
    }
    if (old != NULL)
        os_unmap(old, from);
    memstat_add(SYS_OTHER, (int64_t)to - (old != NULL ? (int64_t)from : 0));
    return p;
}
