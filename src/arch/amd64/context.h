/* context.h: a suspended flow of control on x86-64; offsets.h repeats the offsets for assembly. */
#ifndef ARCH_AMD64_CONTEXT_H
#define ARCH_AMD64_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "arch/amd64/offsets.h"

enum {
    ARCH_RED_ZONE_BYTES = 128
}; /* below the stack pointer, a function that calls nobody may use */

struct context {
    uintptr_t sp, pc, fp;              /* rsp, rip, rbp */
    uintptr_t rbx, r12, r13, r14, r15; /* with rbp, all that a call preserves */
    uint32_t mxcsr;
    uint16_t x87cw;
};

_Static_assert(offsetof(struct context, sp) == CTX_SP, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, pc) == CTX_PC, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, fp) == CTX_FP, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, rbx) == CTX_RBX, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, r12) == CTX_R12, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, r13) == CTX_R13, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, r14) == CTX_R14, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, r15) == CTX_R15, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, mxcsr) == CTX_MXCSR, "arch/amd64/offsets.h");
_Static_assert(offsetof(struct context, x87cw) == CTX_X87CW, "arch/amd64/offsets.h");

#endif
