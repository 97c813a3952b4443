/* frame.h: contexts for the unwinder, arm64. */
#ifndef ARCH_ARM64_FRAME_H
#define ARCH_ARM64_FRAME_H

enum { ARCH_DWARF_FP = 29, ARCH_DWARF_LR = 30, ARCH_FAULT_CFA = 32 };

static inline void arch_context_to_ucontext(const struct context *c, ucontext_t *u)
{
    mcontext_t *r = &u->uc_mcontext;
    for (int i = 0; i < 10; i++)
        r->regs[19 + i] = c->x19[i];
    r->regs[ARCH_DWARF_FP] = c->fp;
    r->regs[ARCH_DWARF_LR] = c->lr;
    r->sp = c->sp;
    r->pc = c->pc;
}

static inline void arch_context_from_registers(struct context *c, arch_register_fn get, void *arg)
{
    *c = (struct context){.sp = get(arg, 31),
                          .pc = get(arg, 32),
                          .fp = get(arg, ARCH_DWARF_FP),
                          .lr = get(arg, ARCH_DWARF_LR)};
    for (int i = 0; i < 10; i++)
        c->x19[i] = get(arg, 19 + i);
}

/* What arch_ucontext_call_fault kept of the code that faulted, from the CFA of arch_fault_entry. */
static inline uintptr_t arch_fault_sp(uintptr_t cfa)
{
    return ((const uintptr_t *)cfa)[-2];
}

static inline void arch_fault_fill(struct context *c, uintptr_t cfa)
{
    c->sp = arch_fault_sp(cfa);
    c->lr = ((const uintptr_t *)cfa)[-1];
}

#endif
