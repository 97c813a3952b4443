/* scan.h: between mark.c, which finds what is reachable, and work.c, which keeps what is still to be
 * looked at; check.c marks a second time with both.
 */
#ifndef GC_SCAN_H
#define GC_SCAN_H

#include "gc/gc_int.h"

/* Whoever reads the program's memory reads what it may be writing, and what the sanitizers keep between
 * its objects. */
#define LOOKS        __attribute__((no_sanitize("thread", "address", "undefined")))
#define LOOKS_INLINE static inline __attribute__((always_inline)) LOOKS

#ifdef GORT_HOSTILE
#define WBUF_ITEMS     8u
#define OBLET_BYTES    ((size_t)1024)
#define DONATE_SPANS   1u
#define DONATE_OBJECTS 1u
#else
#define WBUF_ITEMS     510u                /* a buffer is a page */
#define OBLET_BYTES    ((size_t)128 << 10) /* large objects are scanned in such pieces */
#define DONATE_SPANS   16u                 /* so many are given away when nobody else has any */
#define DONATE_OBJECTS 4u
#endif
enum { RING = 16 }; /* candidates on their way through the cache; a power of two */

/* Grey things: first pages of spans, or objects and parts of them, by address. */
struct wbuf {
    struct wbuf *next; /* lock (work) while listed */
    uint32_t at, n;    /* owner; items [at, n) are there */
    uintptr_t item[WBUF_ITEMS];
};

/* A word that may be a pointer, and where it was found if a descriptor says that it is one. */
struct candidate {
    uintptr_t word, where;
};

struct marker {
    /* const while registered: */
    uintptr_t lo, len; /* bounds of the heap when marking began: what is behind was born marked */
    uint32_t half;
    /* owner: */
    uint32_t at; /* in ring, modulo RING: the oldest candidate */
    struct candidate ring[RING];
    struct wbuf *in, *out; /* spans: put to the end of `in`, taken from the front of `out` */
    struct wbuf *objects;  /* last in, first out */
    struct mark_counts counts;
    bool exact; /* an address where one object ends and another one begins means the latter only */
    const struct object *wanted; /* check.c looks for a pointer to it: mark_range only compares */
    uintptr_t found;
    /* lock (work): */
    struct marker *next;
};

/* ---- work.c */
void work_put_span(struct marker *mk, uintptr_t first_page);
void work_put_object(struct marker *mk, uintptr_t addr);
/* 0: there is none, not even with the others. */
uintptr_t work_take_span(struct marker *mk);
uintptr_t work_take_object(struct marker *mk);
/* The span that is taken after `ahead` others, or 0. */
uintptr_t work_peek_span(const struct marker *mk, uint32_t ahead);
/* Nothing is listed: who looks for work finds none. */
bool work_wanted(void);
/* Lists what the marker has, if that is more than little. */
void work_donate(struct marker *mk);
/* Lists half of its objects, of which there is at least one. */
void work_share_objects(struct marker *mk);
/* The totals, without those of registered markers, are set to this. */
STW void work_set_counts(const struct mark_counts *c);

/* ---- mark.c */
/* Chooses between the ways to look at many words; once, by mark_reset. */
void mark_choose(void);
/* Looks at one grey span or object, or what waits in the ring. */
void mark_span(struct marker *mk, uintptr_t first_page);
void mark_object(struct marker *mk, uintptr_t addr);
/* False: the ring was empty. */
bool mark_flush(struct marker *mk);
/* Which of the words [word, word + 64) of the object, word being a multiple of 64, may be pointers. */
uint64_t mark_pointer_bits(const struct object *o, size_t word);

/* ---- check.c */
/* The slot that the address leads to or into, in use or not; false: it is in no span in use. */
bool check_slot_at(uintptr_t addr, struct object *o);
/* A pointer at `where` leads to no object. Dies if that is so, and an object holds it. */
COLD void check_bad_pointer(uintptr_t word, uintptr_t where);

#endif
