/* fixed.c: structs of one size, outside the heap.
 *
 * Owns    the free list of each struct fixed, and the chunk it cuts new structs from.
 * Holds   1. a struct is handed out, in the free list, or in [next, end) of the chunk.
 *         2. what is in [next, end) was never written.
 * Locks   its own, rank persist: taken under any lock of the heap.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"

#include <string.h>

struct link {
    struct link *next;
};

static void *fixed_cut(struct fixed *f) REQUIRES(f->lock)
{
    if ((size_t)(f->end - f->next) < f->bytes) {
        size_t chunk = FIXED_CHUNK / f->bytes * f->bytes;
        if (chunk == 0)
            chunk = f->bytes;
        f->next = persist_alloc_for(chunk, 16, f->what);
        f->end = f->next + chunk;
    }
    void *p = f->next;
    f->next += f->bytes;
    return p;
}

void *fixed_take(struct fixed *f)
{
    lock(&f->lock);
    struct link *p = f->free;
    if (p != NULL) {
        f->free = p->next;
        memset(p, 0, f->bytes);
    } else {
        p = fixed_cut(f);
    }
    unlock(&f->lock);
    add_rlx(&f->inuse_bytes, (uint64_t)f->bytes);
    return p;
}

void fixed_put(struct fixed *f, void *p)
{
    DCHECK(p != NULL);
    struct link *l = p;
    lock(&f->lock);
    l->next = f->free;
    f->free = l;
    unlock(&f->lock);
    add_rlx(&f->inuse_bytes, -(uint64_t)f->bytes);
}
