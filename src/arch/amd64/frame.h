/* frame.h: contexts for the unwinder, x86-64. */
#ifndef ARCH_AMD64_FRAME_H
#define ARCH_AMD64_FRAME_H

enum { ARCH_DWARF_FP = 6, ARCH_FAULT_CFA = 16 };

static inline void arch_context_to_ucontext(const struct context *c, ucontext_t *u)
{
    greg_t *r = u->uc_mcontext.gregs;
    r[REG_RSP] = (greg_t)c->sp;
    r[REG_RIP] = (greg_t)c->pc;
    r[REG_RBP] = (greg_t)c->fp;
    r[REG_RBX] = (greg_t)c->rbx;
    r[REG_R12] = (greg_t)c->r12;
    r[REG_R13] = (greg_t)c->r13;
    r[REG_R14] = (greg_t)c->r14;
    r[REG_R15] = (greg_t)c->r15;
}

static inline void arch_context_from_registers(struct context *c, arch_register_fn get, void *arg)
{
    *c = (struct context){
        .sp = get(arg, 7),
        .pc = get(arg, 16),
        .fp = get(arg, ARCH_DWARF_FP),
        .rbx = get(arg, 3),
        .r12 = get(arg, 12),
        .r13 = get(arg, 13),
        .r14 = get(arg, 14),
        .r15 = get(arg, 15),
    };
}

/* What arch_ucontext_call_fault kept of the code that faulted, from the CFA of arch_fault_entry. */
static inline uintptr_t arch_fault_sp(uintptr_t cfa)
{
    return ((const uintptr_t *)cfa)[-3];
}

static inline void arch_fault_fill(struct context *c, uintptr_t cfa)
{
    c->sp = arch_fault_sp(cfa);
}

#endif
