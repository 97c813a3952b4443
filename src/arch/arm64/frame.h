/* frame.h: contexts for the unwinder, arm64. */
#ifndef ARCH_ARM64_FRAME_H
#define ARCH_ARM64_FRAME_H

enum { ARCH_DWARF_FP = 29, ARCH_DWARF_LR = 30 };
/* Addresses of code are multiples of this power of two. */
enum { ARCH_CODE_SHIFT = 2 };
/* For the reader of call-frame information. */
enum { ARCH_DWARF_SP = 31, ARCH_CFI_COLUMNS = 32 };
/* x19 to x29 */
#define ARCH_CALLEE_SAVED ((uint64_t)0x3ff80000)

/* A return address as it stands in memory, without what the processor may have signed it with: XPACLRI, which
 * does nothing where there is no such thing. */
static inline uintptr_t arch_code_address(uintptr_t pc)
{
    register uintptr_t x30 __asm__("x30") = pc;
    __asm__("hint #7" : "+r"(x30));
    return x30;
}

/* Registers of `c` by column; the columns that it knows. */
static inline uint64_t arch_context_columns(const struct context *c, bool exact, uintptr_t *column)
{
    for (int i = 0; i < 10; i++)
        column[19 + i] = c->x19[i];
    column[ARCH_DWARF_FP] = c->fp;
    column[ARCH_DWARF_SP] = c->sp;
    column[ARCH_DWARF_LR] = c->lr;
    uint64_t lr = (uint64_t)(exact ? 1 : 0) << ARCH_DWARF_LR;
    return ARCH_CALLEE_SAVED | (uint64_t)1 << ARCH_DWARF_SP | lr;
}

/* Linux 5.8 and later describes its frames for handlers to no unwinder. The frame is a siginfo, a ucontext, and
 * behind them a frame record {x29, x30} of the interrupted code, to which x29 points: told by the two copies of
 * these registers that agree. Reads [sp, end) only. */
static inline bool arch_signal_frame(uintptr_t sp, uintptr_t fp, uintptr_t end, uintptr_t *column,
                                     uint64_t *known, uintptr_t *pc)
{
    enum { SIGINFO_BYTES = 128 };
    const ucontext_t *u = (const ucontext_t *)(sp + SIGINFO_BYTES);
    const uintptr_t *record = (const uintptr_t *)fp;
    if (sp % 16 != 0 || sp >= end || end - sp < SIGINFO_BYTES + sizeof *u + 2 * sizeof *record ||
        fp % sizeof fp != 0 || fp < (uintptr_t)(u + 1) || fp > end - 2 * sizeof *record ||
        record[0] != u->uc_mcontext.regs[ARCH_DWARF_FP] ||
        record[1] != u->uc_mcontext.regs[ARCH_DWARF_LR])
        return false;
    for (int i = 0; i <= ARCH_DWARF_LR; i++)
        column[i] = u->uc_mcontext.regs[i];
    column[ARCH_DWARF_SP] = u->uc_mcontext.sp;
    *known = 0xffffffff;
    *pc = u->uc_mcontext.pc;
    return true;
}

/* What arch_ucontext_call_fault kept of the code that faulted, from the CFA of arch_fault_entry; `known` gains
 * what is known only here. */
static inline void arch_fault_columns(uintptr_t *column, uint64_t *known, uintptr_t cfa)
{
    column[ARCH_DWARF_SP] = ((const uintptr_t *)cfa)[-2];
    column[ARCH_DWARF_LR] = ((const uintptr_t *)cfa)[-1];
    *known |= (uint64_t)1 << ARCH_DWARF_LR;
}

#endif
