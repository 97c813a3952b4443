/* symb.h: whose code is it? From a suspended context to frames, and from a pc to names and lines.
 *
 * Two libraries of the system are loaded at the first need, not before, because a program that
 * never fails should neither depend on them nor pay for loading them: libunwind (call-frame
 * information, for code without frame pointers such as the C library's) and libdw (names, lines,
 * inlined calls). Without them there are frame pointers and the ELF symbol table.
 */
#ifndef SYMB_SYMB_H
#define SYMB_SYMB_H

#include "arch/arch.h"
#include "base/attr.h"
#include "stack/stack.h"

/* How much may be relied on: a program may die inside malloc or the loader. */
enum symb_way {
    SYMB_FULL, /* libraries are loaded and used: takes malloc's and the loader's locks */
    SYMB_SAFE, /* frame pointers and bounds only: SIGSAFE, cannot fault */
};

/* ---- unwind.c: one stack, frame by frame */
struct symb_frame {
    uintptr_t pc;
    uintptr_t sp;  /* in this frame */
    uintptr_t cfa; /* sp in the caller, before the call; 0 if unknown */
    bool exact;    /* pc is the instruction itself, not a return address */
};

struct symb_walk {
    struct stack stack[2]; /* where frames may lie; the second may be empty */
    struct symb_frame next;
    uintptr_t next_fp;
    bool more;
    bool cfi; /* `cursor` is live */
    unsigned long cursor[260];
    unsigned long registers[600]; /* arm64's ucontext has 4 KiB of vector state */
};

/* Begins at `c`, whose stack is `own`, or continues there from `other` (a goroutine that called a C
 * function on its thread's stack); `other` may be NULL. `exact`: c->pc is not a return address. */
void symb_walk_begin(struct symb_walk *w, const struct context *c, const struct stack *own,
                     const struct stack *other, bool exact, enum symb_way way);
/* The next frame, the innermost first; false at the end. */
bool symb_walk_next(struct symb_walk *w, struct symb_frame *f);
/* Up to n pcs of the frames of `w`; the count. */
size_t symb_walk_pcs(struct symb_walk *w, uintptr_t *pcs, size_t n);

/* ---- backtrace.c: return addresses only, fast, for who looks often: profiles, the tracer, gort_callers.
 *
 * From `at` outwards, through the stacks `own` and `other` (NULL: none), at most `max` pcs, the innermost
 * first. at->pc itself is the first, plus 1 when `exact` (it is an instruction that was interrupted): each
 * pc minus 1 lies in the call. SIGSAFE: takes no lock, allocates nothing, reads only those stacks and the
 * unwind tables of loaded modules. Correct through code without frame pointers where that has call-frame
 * information. */
SIGSAFE size_t symb_backtrace(const struct context *at, bool exact, const struct stack *own,
                              const struct stack *other, uintptr_t *pcs, size_t max);
/* The calling function's own stack, without the runtime's frames above the first of the program (its public
 * entry is kept when `keep_entry`): what a profile records. The caller is inside the runtime, on a goroutine's
 * stack or its thread's. */
SIGSAFE size_t symb_backtrace_here(const struct stack *own, const struct stack *other,
                                   bool keep_entry, uintptr_t *pcs, size_t max);

/* ---- names.c: what a pc means */
struct symb_line {
    const char *function; /* NULL if unknown; lives as long as the process */
    const char *dir;      /* goes before a relative `file`; may be NULL */
    const char *file;     /* NULL if unknown */
    int line;
    bool inlined;    /* its frame is that of the lines that follow */
    bool exported;   /* a global symbol of its module; told of physical functions only */
    uintptr_t entry; /* of the physical function; 0 if unknown */
};

/* The calls that the instruction at `pc` belongs to, the innermost first; the last one is the
 * function that has a frame. At least one line, perhaps empty. `at` is the frame's pc, from which
 * the instruction is found by `exact`. Takes a lock of rank symb with SYMB_FULL. */
size_t symb_lines(uintptr_t at, bool exact, enum symb_way way, struct symb_line *lines, size_t max);
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
