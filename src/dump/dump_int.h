/* dump_int.h: what the files of this room share. */
#ifndef DUMP_DUMP_INT_H
#define DUMP_DUMP_INT_H

#include "dump/dump.h"

enum { TRACE_LINES = 24 }; /* calls inlined into one frame that are told apart */

enum line_kind {
    LINE_HIDDEN, /* of the runtime's own */
    LINE_PANIC,  /* of the runtime's, and known to users as `panic` */
    LINE_SHOWN,
};
/* What line `l` of the frame at `pc` is to a user; `physical` is the frame's own function. */
enum line_kind trace_line_kind(const struct symb_line *l, uintptr_t pc,
                               const struct symb_line *physical);
/* `<TAB>file:line` and, with an entry, the offset of pc in the function. */
void trace_place(struct out *o, const struct symb_line *l, uintptr_t pc, bool offset);
void trace_created_by(struct out *o, uintptr_t pc, const struct dump_style *style);

/* What is known of one goroutine, taken at one time and printed at another. */
struct trace_stack {
    size_t n;
    struct symb_frame frames[TRACE_FRAMES];
};
struct trace_record {
    uint64_t id;
    const char *status;
    int64_t minutes;
    bool locked;
    enum {
        TRACE_STACK,
        TRACE_ENTRY,   /* it has not run yet */
        TRACE_NOTHING, /* it runs on another thread */
    } known;
    uintptr_t created_pc; /* 0: not told */
    uintptr_t entry_pc, entry_sp;
    struct trace_stack stack;
};
void trace_take_header(struct trace_record *r, struct g *g);
/* As dump_goroutine; with SYMB_SAFE neither malloc nor the loader is called. */
void trace_take_stack(struct trace_record *r, struct g *g, const struct dump_place *at,
                      enum symb_way way);
void trace_print(struct out *o, const struct trace_record *r, const struct dump_style *style);

#endif
