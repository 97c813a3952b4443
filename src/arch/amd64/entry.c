/* entry.c: contexts from C and from signal frames, x86-64. */
#include "arch/arch.h"
#include "base/fmt.h"

#include <string.h>
#include <ucontext.h>

_Static_assert(offsetof(struct start, fn) == START_FN, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct start, arg) == START_ARG, "arch/amd64/offsets.h");

enum { MXCSR_DEFAULT = 0x1f80, X87CW_DEFAULT = 0x37f };

void arch_context_init(struct context *c, void *top)
{
    memset(c, 0, sizeof *c);
    c->sp = (uintptr_t)top & ~(uintptr_t)15;
    c->pc = (uintptr_t)arch_start;
    c->mxcsr = MXCSR_DEFAULT;
    c->x87cw = X87CW_DEFAULT;
}

static const greg_t *gregs(const void *ucontext)
{
    return ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
}

struct regs arch_ucontext_regs(const void *ucontext)
{
    const greg_t *r = gregs(ucontext);
    return (struct regs){(uintptr_t)r[REG_RIP], (uintptr_t)r[REG_RSP], (uintptr_t)r[REG_RBP]};
}

void arch_ucontext_to_context(const void *ucontext, struct context *c)
{
    const greg_t *r = gregs(ucontext);
    memset(c, 0, sizeof *c);
    c->sp = (uintptr_t)r[REG_RSP];
    c->pc = (uintptr_t)r[REG_RIP];
    c->fp = (uintptr_t)r[REG_RBP];
    c->rbx = (uintptr_t)r[REG_RBX];
    c->r12 = (uintptr_t)r[REG_R12];
    c->r13 = (uintptr_t)r[REG_R13];
    c->r14 = (uintptr_t)r[REG_R14];
    c->r15 = (uintptr_t)r[REG_R15];
}

__attribute__((no_sanitize("address", "thread"))) uintptr_t
arch_ucontext_return(const void *ucontext, uintptr_t lo, uintptr_t hi)
{
    uintptr_t sp = (uintptr_t)gregs(ucontext)[REG_RSP];
    bool lies_on = sp >= lo && sp < hi && hi - sp >= sizeof(uintptr_t);
    return lies_on && sp % sizeof(uintptr_t) == 0 ? *(const uintptr_t *)sp : 0;
}

void arch_ucontext_undo_call(void *ucontext, uintptr_t ret)
{
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    r[REG_RIP] = (greg_t)ret - 1; /* in the call, of whatever length */
    r[REG_RSP] += (greg_t)sizeof ret;
}

void arch_ucontext_call_fault(void *ucontext)
{
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    uintptr_t sp = ((uintptr_t)r[REG_RSP] - ARCH_RED_ZONE_BYTES) & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)sp - 4; /* 16-byte aligned; CFA = sp */
    frame[1] = (uintptr_t)r[REG_RSP];
    frame[2] = (uintptr_t)r[REG_RBP]; /* with frame[3], a link of the frame-pointer chain */
    frame[3] = (uintptr_t)r[REG_RIP];
    r[REG_RSP] = (greg_t)frame;
    r[REG_RIP] = (greg_t)arch_fault_entry + 1; /* past the nop: an unwinder looks at pc - 1 */
}

void arch_ucontext_jump(void *ucontext, void *top, void (*fn)(void *), void *arg)
{
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15);
    *--sp = 0; /* no return address */
    r[REG_RSP] = (greg_t)sp;
    r[REG_RBP] = 0;
    r[REG_RIP] = (greg_t)fn;
    r[REG_RDI] = (greg_t)arg;
}

void arch_print_registers(struct out *o, const void *ucontext)
{
    static const struct {
        const char *name;
        int index;
    } table[] = {
        {"rax    ", REG_RAX}, {"rbx    ", REG_RBX}, {"rcx    ", REG_RCX}, {"rdx    ", REG_RDX},
        {"rdi    ", REG_RDI}, {"rsi    ", REG_RSI}, {"rbp    ", REG_RBP}, {"rsp    ", REG_RSP},
        {"r8     ", REG_R8},  {"r9     ", REG_R9},  {"r10    ", REG_R10}, {"r11    ", REG_R11},
        {"r12    ", REG_R12}, {"r13    ", REG_R13}, {"r14    ", REG_R14}, {"r15    ", REG_R15},
        {"rip    ", REG_RIP}, {"rflags ", REG_EFL},
    };
    const greg_t *r = gregs(ucontext);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        out_str(o, table[i].name);
        out_hex(o, (uint64_t)r[table[i].index]);
        out_char(o, '\n');
    }
    uint64_t seg = (uint64_t)r[REG_CSGSFS];
    out_str(o, "cs     ");
    out_hex(o, seg & 0xffff);
    out_str(o, "\nfs     ");
    out_hex(o, (seg >> 32) & 0xffff);
    out_str(o, "\ngs     ");
    out_hex(o, (seg >> 16) & 0xffff);
    out_char(o, '\n');
}

void arch_breakpoint(void)
{
    __asm__ volatile("int3");
}
