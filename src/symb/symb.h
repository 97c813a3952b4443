/* symb.h: whose code is it? From a suspended context to frames, and from a pc to names and lines. */
#ifndef SYMB_SYMB_H
#define SYMB_SYMB_H

#include "arch/arch.h"
#include "base/atomic.h"
#include "base/attr.h"
#include "stack/stack.h"

/* How much may be relied on: a program may die inside malloc or the loader. */
enum symb_way {
    SYMB_FULL, /* names, and the program's own functions for foreign code: takes the loader's lock, reads files */
    SYMB_SAFE, /* no names: takes no lock, cannot fault */
};

/* ---- cfi_modules.c */
/* Learns which modules stay for ever; outside of handlers. What is not known to stay is walked rightly, too,
 * but slower. */
void symb_init(void);
/* Is it an address of a module that is never unloaded: the program, or what it needs? */
SIGSAFE bool symb_stays(uintptr_t addr);
/* Is it code of a loaded module with call-frame information? */
SIGSAFE bool symb_has_tables(uintptr_t pc);
/* Is there a function at `pc`, as far as unwind tables know? */
SIGSAFE bool symb_is_code(uintptr_t pc);

/* ---- backtrace.c: step by step, by call-frame information where there is any, else by frame pointers */
enum { SYMB_COLUMNS = 32 };
struct cfi_regs {
    uintptr_t pc;
    uintptr_t column[SYMB_COLUMNS]; /* by DWARF's numbers */
    uint64_t known;                 /* bits of columns whose value is right */
};

struct symb_steps {
    struct stack stack[2]; /* where frames may lie; the second may be empty */
    uintptr_t passed[2];   /* the highest sp seen in each */
    int on;                /* the stack with sp */
    bool exact;            /* the frame was interrupted: ret is its pc + 1 */
    bool over;
    bool whole; /* over at a function that nobody called */
    bool all;   /* `regs` is this frame's, not just sp and fp */
    bool anew;  /* a walk within the walk */
    bool
        strict; /* over, too, at a return address where no code can be; set it once the walk has begun */
    bool has_from, from_exact;
    uintptr_t ret, sp, fp; /* of the frame that is next; its call, or instruction, holds ret - 1 */
    struct cfi_regs regs;
    struct context from; /* where it began, unless that is the running code */
};

/* Begins at `at`. NULL for `other`: there is none. */
SIGSAFE void symb_steps_begin(struct symb_steps *w, const struct context *at, bool exact,
                              const struct stack *own, const struct stack *other);
/* Begins at the caller of the running function, whose frame record and CFA these are:
 * __builtin_frame_address(0) and __builtin_dwarf_cfa(). */
SIGSAFE void symb_steps_caller(struct symb_steps *w, const uintptr_t *record, uintptr_t cfa,
                               const struct stack *own, const struct stack *other);
/* Up to `max` pcs as in symb_backtrace below, the runtime's own included. May be called again: it goes on. */
SIGSAFE size_t symb_steps_run(struct symb_steps *w, uintptr_t *pcs, size_t max);
/* How many of pcs[0, n), which `w` has just found, are left without the runtime's own frames at the outer end,
 * below which nobody of the program is; `all`: even if these are all. */
SIGSAFE size_t symb_steps_trim(struct symb_steps *w, const uintptr_t *pcs, size_t n, bool all);

/* ---- lost.c: a walk that ended before the outermost function */
struct symb_lost {
    enum symb_lost_kind {
        SYMB_LOST_RETURN, /* there is no function at `ret`, where it returns */
        SYMB_LOST_FRAME,  /* its frame ends outside of the stack */
        SYMB_LOST_STUCK,  /* its frame ends before it begins */
    } kind;
    uintptr_t pc; /* of the last good function; `exact`: the instruction itself */
    bool exact;
    uintptr_t sp, cfa; /* its frame's bounds; the second may be nonsense */
    uintptr_t fp;      /* its frame pointer */
    uintptr_t ret;
    uintptr_t
        slot; /* where the bad word lies: the return address or the frame pointer; 0: unknown */
    struct stack on;
};
/* Walks from `at` as symb_backtrace does. False if that comes to an end, or to more than `max` frames. */
SIGSAFE bool symb_lost(struct symb_lost *l, const struct context *at, bool exact,
                       const struct stack *own, const struct stack *other, size_t max);

/* ---- unwind.c: one stack, frame by frame */
struct symb_frame {
    uintptr_t pc;
    uintptr_t sp;  /* in this frame */
    uintptr_t cfa; /* sp in the caller, before the call; 0 if unknown */
    bool exact;    /* pc is the instruction itself, not a return address */
};

struct symb_walk {
    struct symb_steps steps;
    struct symb_frame next;
    bool more;
};

/* Begins at `c`, whose stack is `own`, or continues there from `other` (a goroutine that called a C
 * function on its thread's stack); `other` may be NULL. `exact`: c->pc is not a return address. */
SIGSAFE void symb_walk_begin(struct symb_walk *w, const struct context *c, const struct stack *own,
                             const struct stack *other, bool exact);
/* The next frame, the innermost first; false at the end. */
SIGSAFE bool symb_walk_next(struct symb_walk *w, struct symb_frame *f);

/* ---- backtrace.c: return addresses only, fast, for who looks often: profiles, the tracer, gort_callers.
 *
 * From `at` outwards, through the stacks `own` and `other` (NULL: none), at most `max` pcs, the innermost
 * first. at->pc itself is the first, plus 1 when `exact` (it is an instruction that was interrupted): each
 * pc minus 1 lies in the call. SIGSAFE: takes no lock, allocates nothing, reads only those stacks and the
 * unwind tables of loaded modules. Correct through code without frame pointers where that has call-frame
 * information. The runtime's own frames at the outer end (where a goroutine begins) are left out, unless
 * there are no others. */
SIGSAFE size_t symb_backtrace(const struct context *at, bool exact, const struct stack *own,
                              const struct stack *other, uintptr_t *pcs, size_t max);
/* The calling function's own stack, without the runtime's frames above the first of the program (its public
 * entry is kept when `keep_entry`), nor those at the outer end; all of them if there are no others: what a
 * profile records. The caller is inside the runtime, on a goroutine's
 * stack or its thread's. */
SIGSAFE size_t symb_backtrace_here(const struct stack *own, const struct stack *other,
                                   bool keep_entry, uintptr_t *pcs, size_t max);
/* Both, and whether the walk came to the end and left frames of the runtime out there: then the last pc is in
 * the function that the goroutine began with. */
SIGSAFE size_t symb_backtrace_whole(const struct context *at, bool exact, const struct stack *own,
                                    const struct stack *other, uintptr_t *pcs, size_t max,
                                    bool *whole);
SIGSAFE size_t symb_backtrace_here_whole(const struct stack *own, const struct stack *other,
                                         bool keep_entry, uintptr_t *pcs, size_t max, bool *whole);

/* As symb_steps_caller, _run and _trim with `all` one after another: a running function's callers, at most `max`. */
SIGSAFE size_t symb_callers(const uintptr_t *record, uintptr_t cfa, const struct stack *own,
                            const struct stack *other, uintptr_t *pcs, size_t max);

/* In a list of pcs, right behind the pc of a function that has a frame: the `drop` innermost of its
 * logical (inlined) calls are not meant, because the list's reader asked to skip them. As in Go since 1.12.
 * drop < SYMB_SKIP_MAX. */
enum { SYMB_SKIP_MAX = ARCH_SKIP_MARKERS };
SIGSAFE uintptr_t symb_skip_marker(unsigned drop);
/* Is `pc` such a marker? Then *drop is set. */
SIGSAFE bool symb_is_skip_marker(uintptr_t pc, unsigned *drop);

/* ---- names.c: what a pc means */
/* Another number now and then while debugging information is unpacked, which may take seconds. SIGSAFE. */
uint32_t symb_beat(void);
/* A function, the same object at each question. gort_func is this. */
struct symb_func {
    const char *name;
    uintptr_t entry;
};
struct symb_line {
    const char *function; /* NULL if unknown; lives as long as the process, as all texts here */
    const char *path;     /* of the file; NULL if unknown */
    const struct symb_func *func; /* NULL with `function` */
    int line;
    bool inlined;    /* its frame is that of the lines that follow */
    bool exported;   /* a global symbol of its module; told of physical functions only */
    uintptr_t entry; /* of the physical function; 0 if unknown */
    int start_line;  /* where the function is declared; 0 if unknown */
    /* What tracebacks worked out about it (dump/traceback.c); 0 at first. */
    au32 note;
    aptr text;
};
enum { SYMB_LINES = 24 }; /* calls inlined into one frame that are told apart */
struct module;
struct symb_answer {
    uintptr_t pc;
    const struct module *module;
    uint32_t epoch;
    uint16_t n;       /* >= 1 */
    bool next_begins; /* pc + 1 is where a function begins, and no call ends there */
    /* the innermost first; the last one is the function that has a frame. Only n of them are there, unless
     * the answer lies in `room`. */
    struct symb_line line[SYMB_LINES];
};
/* What is known of the instruction at `pc`. Mostly it lives as long as the process; when too much was asked
 * already, in `room`. Asked before, it is answered without a lock of this room. On a goroutine outside the
 * runtime: what may take long is announced. Inside the runtime and while dying, what is known of the loaded
 * modules has to do, as long as one of them has the pc. */
const struct symb_answer *symb_answer(uintptr_t pc, struct symb_answer *room);
/* Learns of modules that came or went. What is asked below is about code that was there then. */
void symb_look(void);
const struct symb_answer *symb_answer_known(uintptr_t pc, struct symb_answer *room);
/* The same of what a return address stands for: the call before it; but a function's first instruction, which
 * no call precedes, stands for itself: *pc is then `at`, else at - 1. */
const struct symb_answer *symb_answer_return(uintptr_t at, uintptr_t *pc, struct symb_answer *room);
/* The calls that the instruction at `pc` belongs to, as in an answer. At least one line, perhaps empty. `at`
 * is the frame's pc, from which the instruction is found by `exact`. */
size_t symb_lines(uintptr_t at, bool exact, enum symb_way way, struct symb_line *lines, size_t max);
/* A copy of `s` that lives as long as the process, the same one for the same text; NULL: no memory, or a dying
 * program. Inside the runtime only where symb_answer may be called. */
const char *symb_text(const char *s);
/* A fault while a file is read, because it became shorter, or is not what it says: the thread goes on behind
 * the reading, without the names. True if the fault was such a one; the caller is its handler. */
SIGSAFE bool symb_catch_fault(void *ucontext);
/* True if `pc` lies in this library; `first` is the physical function there. */
bool symb_is_runtime(uintptr_t pc, const struct symb_line *first);
/* The same without names; false where the library is not joined (tests that look inside). */
SIGSAFE bool symb_in_own_text(uintptr_t pc);

/* ---- elf.c: names from symbol tables alone */
struct symb_symbol {
    const char *name;
    uintptr_t entry;
};
bool symb_elf_symbol(uintptr_t pc, struct symb_symbol *s);

#endif
