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

#endif
