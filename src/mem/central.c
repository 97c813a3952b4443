/* central.c: the spans of one size class and kind that no P has in its cache.
 *
 * Owns    for each class and kind two lists: spans with a free slot, and full ones. Class 0 has the
 *         large objects, all full.
 * Holds   1. a span in use is in one of these lists or in one cache.
 * Locks   one per class and kind, rank central. The page heap is asked without it.
 *
 *   pages_take --> cache --central_put--> full, partial --central_take--> cache
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

struct central {
    struct lock lock; /* rank central */
    /* lock: */
    struct list partial, full;
};
static struct central centrals[OBJ_KINDS][CLASSES];

void central_init(void)
{
    for (int k = 0; k < OBJ_KINDS; k++) {
        for (int i = 0; i < CLASSES; i++) {
            struct central *c = &centrals[k][i];
            lock_init(&c->lock, central);
            list_init(&c->partial);
            list_init(&c->full);
        }
    }
}

struct span *central_take(unsigned class, enum obj_kind kind)
{
    struct central *c = &centrals[kind][class];
    lock(&c->lock);
    struct node *n = list_take_head(&c->partial);
    unlock(&c->lock);
    if (n != NULL)
        return container_of(n, struct span, node);
    return pages_take(class_pages[class], class, kind);
}

void central_put(struct span *s)
{
    struct central *c = &centrals[s->kind][s->class];
    lock(&c->lock);
    list_put_head(span_has_free(s) ? &c->partial : &c->full, &s->node);
    unlock(&c->lock);
}

static void list_each(struct list *l, void (*fn)(struct span *s, void *arg), void *arg)
{
    for (struct node *n = l->head.next; n != &l->head; n = n->next)
        fn(container_of(n, struct span, node), arg);
}

void central_each(unsigned class, enum obj_kind kind, void (*fn)(struct span *s, void *arg),
                  void *arg)
{
    struct central *c = &centrals[kind][class];
    lock(&c->lock);
    list_each(&c->partial, fn, arg);
    list_each(&c->full, fn, arg);
    unlock(&c->lock);
}
