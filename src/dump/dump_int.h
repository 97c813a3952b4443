/* dump_int.h: what the files of this room share. */
#ifndef DUMP_DUMP_INT_H
#define DUMP_DUMP_INT_H

#include "dump/dump.h"

enum line_kind {
    LINE_HIDDEN, /* of the runtime's own */
    LINE_PANIC,  /* of the runtime's, and known to users as `panic` */
    LINE_SHOWN,
};
/* What line `l` of the frame at `pc` is to a user; `physical` is the frame's own function. */
enum line_kind trace_line_kind(const struct symb_line *l, uintptr_t pc,
                               const struct symb_line *physical);
/* What is known of the frame at `pc`, as far as the style allows to ask. */
const struct symb_answer *trace_answer(uintptr_t pc, bool exact, const struct dump_style *style,
                                       struct symb_answer *room);
/* `<TAB>file:line` and, with an entry, the offset of pc in the function. */
void trace_place(struct out *o, const struct symb_line *l, uintptr_t pc, bool offset);
void trace_created_by(struct out *o, uintptr_t pc, const struct dump_style *style);

/* What is known of one goroutine, taken at one time and printed at another. */
struct trace_stack {
    size_t n;
    struct symb_frame frames[TRACE_FRAMES];
};
/* A stack that was not walked to its end. */
enum { BROKEN_WORDS = 128 };
struct trace_broken {
    uint64_t id; /* of the goroutine; 0: a thread's own stack */
    struct symb_lost lost;
    uintptr_t from; /* the address of words[0] */
    uint16_t n;
    uintptr_t words[BROKEN_WORDS];
};
struct trace_header {
    uint64_t id;
    const char *status;
    int64_t minutes;
    bool locked, leaked;
    uintptr_t created_pc; /* 0: not told */
    uintptr_t entry_pc, entry_sp;
};
struct trace_record {
    enum {
        TRACE_STACK,
        TRACE_ENTRY,   /* it has not run yet */
        TRACE_NOTHING, /* it runs on another thread */
    } known;
    bool is_broken;
    struct trace_stack stack;
    struct trace_broken broken;
};
void trace_take_header(struct trace_header *h, struct g *g);
/* As dump_goroutine. */
void trace_take_stack(struct trace_record *r, struct g *g, const struct dump_place *at);

/* ---- brief.c: many goroutines, of which only pcs are noted */
struct brief {
    uint64_t id;
    const char *status;
    int64_t minutes;
    bool locked, leaked, exact; /* pcs[0] - 1 is the instruction itself */
    bool is_broken;
    uint8_t known; /* as in struct trace_record */
    uint16_t n, nancestors;
    uintptr_t created_pc, entry_pc;
    uintptr_t pcs[]; /* n return addresses, nancestors pointers, then what is broken, if anything */
};
/* What is broken in `r`. */
static inline struct trace_broken *brief_broken(const struct brief *r)
{
    return (struct trace_broken *)(void *)((uintptr_t)(r->pcs + r->n + r->nancestors));
}
struct briefs {
    struct brief_chunk *first, *last;
    bool incomplete; /* the kernel had no memory for more */
};
/* Notes where `g` is, which does not run. SIGSAFE but for memory from the kernel. */
void brief_take(struct briefs *b, struct g *g);
/* Calls fn for each, in the order in which they were taken. */
void briefs_each(const struct briefs *b, void (*fn)(const struct brief *r, void *arg), void *arg);
void briefs_drop(struct briefs *b);
/* traceback.c: as dump_goroutine. */
void trace_print(struct out *o, const struct brief *r, const struct dump_style *style);
/* On its thread's stack, inside gort_cgocall? */
static inline bool trace_in_foreign_call(const struct g *g)
{
    return g->in_cgo && !g->foreign && load_rlx(&g->m) != NULL;
}
/* Where `g` was left; false: it runs. */
bool trace_resting_place(struct g *g, struct dump_place *at);

const struct symb_answer *trace_answer(uintptr_t pc, bool exact, const struct dump_style *style,
                                       struct symb_answer *room);

/* ---- broken.c: a stack that cannot be walked to its end */
/* What is wrong with the stack of `g` (NULL: a thread's own), whose walk from `at` was not whole. False: nothing
 * that is worth a word. SIGSAFE. */
bool broken_take(struct trace_broken *b, struct g *g, const struct dump_place *at,
                 const struct stack *own, const struct stack *other);
/* Is the frame at the return address `pc` only what was found in place of one? */
bool broken_is_nonsense(const struct trace_broken *b, uintptr_t pc);
/* A line, and the words of the stack there. */
void broken_print(struct out *o, const struct trace_broken *b, const struct dump_style *style);

/* ---- ancestors.c */
struct origin;
size_t ancestors_count(const struct ancestor *a);
/* The origins in of[0, n) live on until they are dropped. */
void ancestors_hold(const struct ancestor *a, struct origin **of, size_t n);
void ancestors_print(struct out *o, struct origin *const *of, size_t n,
                     const struct dump_style *style);
void ancestors_drop(struct origin *const *of, size_t n);

#endif
