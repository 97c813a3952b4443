/* cfi.h: call-frame information: what .eh_frame says about one instruction's frame, and what follows.
 *
 * A *row* tells, for one address of code: where the caller's stack pointer was before the call (the CFA:
 * canonical frame address), and where the caller's registers are kept. Columns are DWARF's register numbers.
 */
#ifndef SYMB_CFI_H
#define SYMB_CFI_H

#include "arch/frame.h"
#include "base/attr.h"
#include "stack/stack.h"
#include "symb/symb.h"

/* Where the tables of one module lie; every byte that is read lies in one of the two ranges. */
struct cfi_tables {
    const uint8_t *header,
        *header_end;       /* .eh_frame_hdr; NULL: none, all of .eh_frame is searched */
    const uint8_t *frames; /* .eh_frame's beginning, if there is no header; else NULL */
    const uint8_t *frames_lo, *frames_hi;
};

enum cfi_kind {
    CFI_SAME, /* as in the callee; what no instruction mentions */
    CFI_UNDEFINED,
    CFI_OFFSET,     /* kept at CFA + value */
    CFI_VAL_OFFSET, /* is CFA + value */
    CFI_COLUMN,     /* is in the column `value` of the callee */
    CFI_EXPR,       /* kept at what an expression computes */
    CFI_VAL_EXPR,   /* is what it computes */
};

struct cfi_rule {
    uint8_t kind;
    int32_t value; /* of an expression: where its block begins, from `base` */
};

struct cfi_row {
    bool signal_frame; /* the caller was interrupted: its pc is no return address */
    uint8_t pc_column;
    bool cfa_by_expr;
    uint8_t cfa_column;
    int32_t cfa_value; /* an offset, or where the block begins */
    struct cfi_rule rule[ARCH_CFI_COLUMNS];
    const uint8_t *base, *end; /* bytes of the table that blocks lie in */
};

/* ---- cfi.c: tables to rows */
enum cfi_found { CFI_FOUND, CFI_NO_ENTRY, CFI_BROKEN };
SIGSAFE enum cfi_found cfi_find(const struct cfi_tables *t, uintptr_t addr, struct cfi_row *row);

/* ---- rules.c: rows to callers */
_Static_assert((int)ARCH_CFI_COLUMNS <= (int)SYMB_COLUMNS, "symb.h");

enum cfi_step {
    CFI_CALLER, /* the registers are the caller's now */
    CFI_OUTERMOST,
    CFI_UNKNOWN,  /* wants a register that is not known */
    CFI_NONSENSE, /* computes nothing useful, or reads outside of the stacks */
};

/* The word at `addr`, if it lies in one of two stacks. */
SIGSAFE bool cfi_word(const struct stack stacks[2], uintptr_t addr, uintptr_t *word);
/* Makes `r` the registers of the caller of the frame with `row`. Reads memory in `stacks` only. Unless it
 * returns CFI_CALLER, `r` is as before. */
SIGSAFE enum cfi_step cfi_apply(const struct cfi_row *row, const struct stack stacks[2],
                                struct cfi_regs *r, uintptr_t *cfa);

/* ---- cfi_modules.c: whose tables */
/* The module whose code is at `addr`; false: none, or one that has no tables. `*stays`: it is code that is never
 * unloaded. */
SIGSAFE bool cfi_module(uintptr_t addr, struct cfi_tables *t, bool *stays);

#endif
