/* pool.h: memory for tables of names, outside the collected heap and outside malloc.
 *
 * A pool grows and is dropped as a whole; a vec is an array that grows. Both are counted in
 * MemStats.OtherSys, and both answer NULL or false when the kernel has no memory: then a name is missing,
 * nothing else.
 */
#ifndef SYMB_POOL_H
#define SYMB_POOL_H

#include "base/attr.h"

struct pool {
    struct pool_chunk *chunks;
    char *next, *end;
};
/* Zeroed, aligned to 8. */
void *pool_take(struct pool *p, size_t bytes);
void pool_drop(struct pool *p);

struct vec {
    void *at;
    size_t n, cap; /* elements */
    size_t each;   /* bytes of one */
    size_t bytes;  /* of `at` */
    bool failed;
};
/* Makes room for more elements; false: no memory. */
bool vec_grow(struct vec *v);
#define VEC_OF(type) ((struct vec){.each = sizeof(type)})
/* One more element, zeroed; NULL: no memory. */
void *vec_add(struct vec *v);
/* The same for who knows its size, and sets all of it: it is not zeroed. */
static inline void *vec_more(struct vec *v, size_t each)
{
    if (unlikely(v->n == v->cap) && !vec_grow(v))
        return NULL;
    return (char *)v->at + each * v->n++;
}
void vec_drop(struct vec *v);
/* A copy of its elements in `p`; NULL: no memory, or none there. Drops the vec. */
void *vec_keep(struct vec *v, struct pool *p);

/* Sorts n elements, stably. `less` says whether a goes before b; it decides first by the uint64_t that
 * elements begin with. False: no memory for it. */
bool pool_sort(void *at, size_t n, size_t each, bool (*less)(const void *a, const void *b));

#endif
