/* list.h: doubly linked lists whose nodes live in the structs they link. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct node {
    struct node *next, *prev;
};
struct list {
    struct node head; /* a ring; empty when it points at itself */
};

static inline void list_init(struct list *l)
{
    l->head.next = l->head.prev = &l->head;
}
static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}
static inline void list_put_tail(struct list *l, struct node *n)
{
    n->prev = l->head.prev;
    n->next = &l->head;
    l->head.prev->next = n;
    l->head.prev = n;
}
static inline void list_put_head(struct list *l, struct node *n)
{
    n->next = l->head.next;
    n->prev = &l->head;
    l->head.next->prev = n;
    l->head.next = n;
}
static inline void list_remove(struct node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = NULL;
}
static inline struct node *list_take_head(struct list *l)
{
    struct node *n = l->head.next;
    if (n == &l->head)
        return NULL;
    list_remove(n);
    return n;
}

#endif
