/* dump.h: goroutines as text, for people: Go's traceback format. */
#ifndef DUMP_DUMP_H
#define DUMP_DUMP_H

#include "base/fmt.h"
#include "sched/sched.h"
#include "symb/symb.h"

struct dump_style {
    uint32_t level; /* GOTRACEBACK's: 1 hides the runtime's own frames and goroutines */
    bool registers; /* fp, sp and pc of each frame; level 2 implies it */
    enum symb_way way;
};

/* Where a stack that is not at rest stands now. */
struct dump_place {
    struct context ctx;
    bool exact;           /* ctx.pc is the instruction itself */
    const void *ucontext; /* of the signal handler that came there; NULL: none did */
};

/* ---- traceback.c: one stack */
/* Frames of a thread's own stack from `at` outwards, at most TRACE_FRAMES. */
void dump_frames(struct out *o, const struct dump_place *at, const struct stack *own,
                 const struct dump_style *style);
/* `goroutine N [...]:`, the frames, who created it. `at` says where it is when it runs on the
 * calling thread; NULL: where it was left. */
void dump_goroutine(struct out *o, struct g *g, const struct dump_place *at,
                    const struct dump_style *style);
const char *dump_status_text(struct g *g);
/* Changes with every frame printed, and while names are had for it: for who watches whether a report gets on. */
uint32_t dump_beat(void);

/* ---- goroutines.c: all of them */
/* Every goroutine but `a` and `b`, each after an empty line. */
void dump_others(struct out *o, const struct g *a, const struct g *b,
                 const struct dump_style *style);
/* Since when goroutines wait is noted for those that were found waiting; the monitor calls this
 * about once a minute. park and ready set wait_since to 0. */
void dump_stamp_waiting(int64_t now_ns);

/* ---- debug.c: tracebacks of a living program */
enum { DUMP_RED_ZONE_BYTES = 256 };
/* Notes where all goroutines are; then, while they run again, prints it. One caller at a time. */
STW void dump_take_all(void);
void dump_print_taken(struct out *o, const struct dump_style *style);
/* Calls fn(arg) on the thread's own stack, which is free below `top`. */
void dump_on_thread_stack(struct m *m, uintptr_t top, void (*fn)(void *arg), void *arg);

/* ---- ancestors.c: GODEBUG=tracebackancestors */
/* What a goroutine that `parent` creates at `pc` remembers of its creators, at most `max` of them.
 * Runs on the stack of `parent`. NULL when there is no memory. */
struct ancestor *dump_record_ancestors(struct g *parent, uintptr_t pc, int max);
void dump_free_ancestors(struct ancestor *a);
void dump_ancestors(struct out *o, const struct ancestor *a, const struct dump_style *style);

#endif
