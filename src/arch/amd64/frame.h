/* frame.h: contexts for the unwinder, x86-64. */
#ifndef ARCH_AMD64_FRAME_H
#define ARCH_AMD64_FRAME_H

enum { ARCH_DWARF_FP = 6 };
/* Addresses of code are multiples of this power of two. */
enum { ARCH_CODE_SHIFT = 0 };
/* For the reader of call-frame information. */
enum { ARCH_DWARF_SP = 7, ARCH_DWARF_PC = 16, ARCH_CFI_COLUMNS = 17 };
/* rbx rbp r12 r13 r14 r15 */
#define ARCH_CALLEE_SAVED ((uint64_t)0xf048)

/* A return address as it stands in memory, without what a processor may have signed it with. */
static inline uintptr_t arch_code_address(uintptr_t pc)
{
    return pc;
}

/* Registers of `c` by column; the columns that it knows. */
static inline uint64_t arch_context_columns(const struct context *c, bool exact, uintptr_t *column)
{
    (void)exact;
    column[3] = c->rbx;
    column[ARCH_DWARF_FP] = c->fp;
    column[ARCH_DWARF_SP] = c->sp;
    column[12] = c->r12;
    column[13] = c->r13;
    column[14] = c->r14;
    column[15] = c->r15;
    column[ARCH_DWARF_PC] = c->pc;
    return ARCH_CALLEE_SAVED | 1u << ARCH_DWARF_SP | 1u << ARCH_DWARF_PC;
}

/* A frame that the kernel made for a handler and that has no call-frame information: there is none such. */
static inline bool arch_signal_frame(uintptr_t sp, uintptr_t fp, uintptr_t end, uintptr_t *column,
                                     uint64_t *known, uintptr_t *pc)
{
    (void)sp, (void)fp, (void)end, (void)column, (void)known, (void)pc;
    return false;
}

/* What arch_ucontext_call_fault kept of the code that faulted, from the CFA of arch_fault_entry; `known` gains
 * what is known only here. */
static inline void arch_fault_columns(uintptr_t *column, uint64_t *known, uintptr_t cfa)
{
    (void)known;
    column[ARCH_DWARF_SP] = ((const uintptr_t *)cfa)[-3];
}

#endif
