/* intern.c: texts that live as long as the process, each of them once.
 *
 * Owns    the set of such texts, and the pool that answers and functions lie in, too.
 * Locks   rank symb, held by callers.
 */
#include "symb/module.h"

#include "mem/mem.h"

struct pool immortal;
static struct {
    const char **slot;
    size_t cap, n;
} set;

enum { FIRST_SLOTS = 1024 };

static uint64_t hash_of(const char *s)
{
    uint64_t h = 14695981039346656037u;
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h ^ h >> 29;
}

static void place(const char **slot, size_t cap, const char *s)
{
    size_t i = hash_of(s) & (cap - 1);
    while (slot[i] != NULL)
        i = (i + 1) & (cap - 1);
    slot[i] = s;
}

static bool grow(void)
{
    size_t cap = set.cap == 0 ? FIRST_SLOTS : 2 * set.cap;
    const char **slot = mem_table_grow(NULL, 0, cap * sizeof slot[0]);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < set.cap; i++)
        if (set.slot[i] != NULL)
            place(slot, cap, set.slot[i]);
    if (set.cap > 0)
        mem_table_grow(set.slot, set.cap * sizeof slot[0], 0);
    set.slot = slot;
    set.cap = cap;
    return true;
}

const char *intern(const char *s)
{
    if (2 * (set.n + 1) > set.cap && !grow())
        return NULL;
    size_t i = hash_of(s) & (set.cap - 1), n = strlen(s) + 1;
    for (; set.slot[i] != NULL; i = (i + 1) & (set.cap - 1))
        if (strcmp(set.slot[i], s) == 0)
            return set.slot[i];
    char *copy = pool_take(&immortal, n);
    if (copy == NULL)
        return NULL;
    memcpy(copy, s, n);
    set.slot[i] = copy;
    set.n++;
    return copy;
}
