/* entry.c: contexts from C and from signal frames, arm64. */
#include "arch/arch.h"
#include "arch/frame.h"
#include "base/fmt.h"

#include <string.h>
#include <ucontext.h>

_Static_assert(offsetof(struct start, fn) == START_FN, "arch/arm64/offsets.h");
_Static_assert(offsetof(struct start, arg) == START_ARG, "arch/arm64/offsets.h");

enum { REG_FP = 29, REG_LR = 30, INSTRUCTION_BYTES = 4 };

void arch_context_init(struct context *c, void *top)
{
    memset(c, 0, sizeof *c);
    c->sp = (uintptr_t)top & ~(uintptr_t)15;
    c->pc = (uintptr_t)arch_start;
}

static const mcontext_t *mcontext(const void *ucontext)
{
    return &((const ucontext_t *)ucontext)->uc_mcontext;
}

struct regs arch_ucontext_regs(const void *ucontext)
{
    const mcontext_t *r = mcontext(ucontext);
    return (struct regs){r->pc, r->sp, r->regs[REG_FP]};
}

void arch_ucontext_to_context(const void *ucontext, struct context *c)
{
    const mcontext_t *r = mcontext(ucontext);
    memset(c, 0, sizeof *c);
    c->sp = r->sp;
    c->pc = r->pc;
    c->fp = r->regs[REG_FP];
    c->lr = r->regs[REG_LR];
    for (int i = 0; i < 10; i++)
        c->x19[i] = r->regs[19 + i];
}

uintptr_t arch_ucontext_return(const void *ucontext, uintptr_t lo, uintptr_t hi)
{
    (void)lo, (void)hi;
    return arch_code_address(mcontext(ucontext)->regs[REG_LR]);
}

void arch_ucontext_undo_call(void *ucontext, uintptr_t ret)
{
    ((ucontext_t *)ucontext)->uc_mcontext.pc = ret - INSTRUCTION_BYTES;
}

void arch_ucontext_call_fault(void *ucontext)
{
    mcontext_t *r = &((ucontext_t *)ucontext)->uc_mcontext;
    uintptr_t *frame = (uintptr_t *)(r->sp & ~(uintptr_t)15) - 4;
    frame[0] = r->regs[REG_FP]; /* with frame[1], a link of the frame-pointer chain */
    frame[1] = r->pc;
    frame[2] = r->sp;
    frame[3] = r->regs[REG_LR];
    r->sp = (uintptr_t)frame;
    r->pc = (uintptr_t)arch_fault_entry + 4; /* past the nop: an unwinder looks at pc - 1 */
}

void arch_ucontext_jump(void *ucontext, void *top, void (*fn)(void *), void *arg)
{
    mcontext_t *r = &((ucontext_t *)ucontext)->uc_mcontext;
    r->sp = (uintptr_t)top & ~(uintptr_t)15;
    r->regs[REG_FP] = 0;
    r->regs[REG_LR] = 0;
    r->pc = (uintptr_t)fn;
    r->regs[0] = (uintptr_t)arg;
}

static void print_register(struct out *o, const char *name, uint64_t v)
{
    out_str(o, name);
    for (size_t n = strlen(name); n < 8; n++)
        out_char(o, ' ');
    out_hex(o, v);
    out_char(o, '\n');
}

void arch_print_registers(struct out *o, const void *ucontext)
{
    const mcontext_t *r = mcontext(ucontext);
    for (int i = 0; i < 30; i++) {
        char name[4] = {'r', (char)('0' + i / 10), (char)('0' + i % 10), '\0'};
        if (i < 10) {
            name[1] = name[2];
            name[2] = '\0';
        }
        print_register(o, name, r->regs[i]);
    }
    print_register(o, "lr", r->regs[REG_LR]);
    print_register(o, "sp", r->sp);
    print_register(o, "pc", r->pc);
    print_register(o, "fault", r->fault_address);
}

void arch_breakpoint(void)
{
    __asm__ volatile("brk #0");
}
