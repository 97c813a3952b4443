/* trace_int.h: what the files of this room share. */
#ifndef TRACE_TRACE_INT_H
#define TRACE_TRACE_INT_H

#include "base/probe.h"
#include "sched/sched.h"
#include "trace/format.h"
#include "trace/trace.h"

#include <gort/trace.h>

enum text {
    TEXT_NONE,
#define TEXT(name, words) TEXT_##name,
#include "trace/texts.def"
#undef TEXT
    TEXTS
};

/* ---- memory.c: what is written, and where it is kept */
struct buffer {
    struct buffer *next;
    uint32_t len;
    uint32_t size_at; /* where the size of the batch is to be written */
    uint8_t data[];
};
/* Of the current generation, in the order in which they were filled. */
struct buffer_list {
    struct buffer *first, *last;
    uint32_t n;
};
/* NULL: there is no memory, or more than enough waits to be read. */
struct buffer *buffer_take(void);
void buffer_keep(struct buffer *b); /* full: of the current generation now */
void buffers_take_all(struct buffer_list *l);
void buffers_each_filled(void (*fn)(const struct buffer *b, void *arg), void *arg);
void buffers_put_all(struct buffer_list *l); /* they are free again */
/* control.c: the current generation is large enough; the tracer's thread is to end it. */
void trace_generation_is_full(void);

/* A generation that is complete: bytes in a row of pieces, for as many readers as it has. */
struct piece {
    struct piece *next;
    size_t len, cap;
    uint8_t data[];
};
struct gen {
    struct gen *next_read, *next_flight;
    uint32_t readers; /* guarded by control.c's lock */
    uint64_t number;
    int64_t began_ns, ended_ns;
    size_t bytes;
    struct buffer_list buffers; /* until it is sealed */
    struct tables *tables;
    struct piece *first, *last;
    bool cut; /* something is missing: it is never read */
};
struct gen *gen_new(void);
void gen_free(struct gen *g);
void gen_write(struct gen *g, const void *bytes, size_t n);

/* ---- tables.c: stacks and strings of one generation, by number */
struct tables;
struct stack_record {
    uint64_t hash;
    uint32_t id, n;
    uintptr_t pcs[];
};
struct string_record {
    struct string_record *next;
    uint64_t hash;
    uint32_t id, len;
    char text[];
};
extern struct tables *tables_now;
struct tables *tables_new(void);
/* The number of this stack; 0 if there is no room. Any thread; SIGSAFE but for the lock of its memory. */
uint32_t tables_stack(struct tables *t, const uintptr_t *pcs, size_t n);
uint32_t tables_string(struct tables *t, const char *text, size_t len);
void tables_each_stack(struct tables *t, void (*fn)(const struct stack_record *r, void *arg),
                       void *arg);
void tables_each_string(struct tables *t, void (*fn)(const struct string_record *r, void *arg),
                        void *arg);
void tables_clear(struct tables *t);

/* ---- emit.c: from what happens to events */
struct trace_m {
    struct trace_m *next; /* const once in the list */
    struct m *m;          /* const; NULL: nobody's batches */
    /* who may write there: */
    struct buffer *buffer; /* NULL: none yet in this generation */
    uint8_t *at, *end;
    uint64_t last; /* time of the last event */
    bool sweeps;
};
extern struct lock trace_lock;
/* lock: */
extern uint64_t trace_generation; /* its number; 0: off */
extern uint64_t trace_gc_seq;
/* atomic: */
extern au32 trace_cut; /* buffers have run out: the generation misses something */

struct trace_m *trace_of(struct m *m);
struct trace_m *trace_nobody(void);
void trace_flush_all(void) REQUIRES(trace_lock);
void trace_each(void (*fn)(struct trace_m *t));
uint64_t trace_time(void);
/* Room for an event, and its first bytes; the arguments follow, then event_done. */
uint8_t *event(struct trace_m *t, enum event type);
static inline void event_done(struct trace_m *t, uint8_t *at)
{
    __atomic_store_n(&t->at, at,
                     __ATOMIC_RELEASE); /* crash.c looks at buffers of threads that run */
}
void event0(struct trace_m *t, enum event type);
void event1(struct trace_m *t, enum event type, uint64_t a);
void event2(struct trace_m *t, enum event type, uint64_t a, uint64_t b);
void event3(struct trace_m *t, enum event type, uint64_t a, uint64_t b, uint64_t c);
/* The running goroutine's stack; 0 on a thread's own. */
uint32_t stack_here(struct m *m);
/* Of its first function alone, by which readers name it; 0: unknown. */
uint32_t stack_of_root(const struct g *g);
/* What an event of the running goroutine needs: in the trace, it runs. */
struct trace_m *trace_running(struct m *m);
/* A thread of the runtime's own, which has stopped the world, is shown as a goroutine on the first P. */
void trace_adopt(struct m *m, enum stw_kind kind);
void trace_unadopt(struct m *m);
uint64_t trace_helper_id(void);
uint32_t trace_helper_stack(void);

/* ---- turn.c: generations */
enum turn { TURN_START, TURN_NEXT, TURN_STOP };
/* Stops the world, ends the current generation (*ended, or NULL), begins another. False: there is no memory
 * for another, or the program dies; nothing has changed. By the tracer's thread. */
PARKS bool trace_turn(enum turn how, struct gen **ended);

/* ---- names.c: what a pc means, kept over generations; for the server's thread */
struct frame {
    uint64_t pc; /* with the depth of inlining, so that it means one line */
    const char *function, *file;
    int line;
};
size_t names_of(uintptr_t pc, struct frame *f, size_t max);

/* ---- seal.c */
/* Completes what trace_turn returned with samples, stacks and strings. */
void trace_seal(struct gen *g);
/* The texts of texts.def, with their numbers. */
void trace_each_text(void (*fn)(unsigned id, const char *text));

/* A body, in batches of at most 64 KiB that each begin with `kind`. */
struct batch {
    struct gen *gen;
    enum event kind;
    size_t n;
    uint8_t body[BATCH_BYTES_MAX];
};
void batch_begin(struct batch *b, struct gen *g, enum event kind);
void batch_add(struct batch *b, const uint8_t *entry, size_t n);
void batch_end(struct batch *b);

/* ---- samples.c */
void samples_write(struct batch *b, struct gen *g);

/* ---- control.c */
extern struct lock trace_control_lock;
extern size_t trace_unread_max; /* tests make it small */
extern au32 trace_dying;        /* no generation is ended any more */
/* What becomes of the generation that has just ended. */
enum trace_ending {
    ENDING_NONE,   /* there is none, or it is where it belongs */
    ENDING_SEALED, /* its bytes are made, which may take long */
    ENDING_KEPT,   /* it is handed out, which does not */
    ENDING_LOST,   /* a dying program has not waited for it */
};
extern au32
    trace_ending; /* enum trace_ending: written by the tracer's thread, and from SEALED to LOST by crash.c */
void gen_drop(struct gen *g) REQUIRES(trace_control_lock); /* one reader less */
enum control_op {
    OP_START,
    OP_STOP,
    OP_FLIGHT_START,
    OP_FLIGHT_STOP,
    OP_FLIGHT_NOW, /* ends a generation, so that what is kept is complete up to now */
};
/* Has the tracer's thread do it; parks until it is done. 0 or an errno. */
PARKS int trace_control(enum control_op op);
/* Waits until the trace of this number, which somebody has stopped, has been read to its end. The first is
 * number 1. */
PARKS void trace_await_drained(uint64_t trace);
/* Was the trace that was stopped last ended before, because nobody read it? */
bool trace_was_cut_off(void);

/* ---- flight.c; called by the tracer's thread, under control.c's lock */
void flight_keep(struct gen *g, int64_t now_ns) REQUIRES(trace_control_lock);
void flight_clear(void) REQUIRES(trace_control_lock);
/* For a program that dies: where to, or NULL; what is kept, and the number of the last of it, or of the
 * generation before the current one if nothing is. Without the lock. */
const char *flight_crash_path(void);
uint64_t flight_last_number(void);
void flight_each_kept(void (*fn)(const struct gen *g));

/* ---- writer.c */
/* All of it, parking where it must. 0 or an errno. */
PARKS int trace_write_all(int fd, const void *bytes, size_t n);
PARKS int trace_write_gen(int fd, const struct gen *g);

#endif
