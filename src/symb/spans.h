/* spans.h: which of many ranges of addresses, which may lie in each other, is the innermost at one. */
#ifndef SYMB_SPANS_H
#define SYMB_SPANS_H

#include "symb/pool.h"

#define SPAN_NONE UINT32_MAX

struct spans {
    struct vec ranges;      /* until sealed */
    struct span_step *step; /* from each address on, until the next */
    size_t n;
};
/* Ranges that are empty or begin at 0 (what the linker threw away) are left out. */
void spans_add(struct spans *s, uint64_t lo, uint64_t hi, uint32_t what);
/* After the last one: sorts, and keeps the result in `p`. False: no memory. */
bool spans_seal(struct spans *s, struct pool *p);
/* What is innermost at `addr`: the same up to *end at least. *end is set unless that is SPAN_NONE. */
uint32_t spans_find(const struct spans *s, uint64_t addr, uint64_t *end);

#endif
