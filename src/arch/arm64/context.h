/* context.h: a suspended flow of control on arm64; offsets.h repeats the offsets for assembly. */
#ifndef ARCH_ARM64_CONTEXT_H
#define ARCH_ARM64_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "arch/arm64/offsets.h"

enum {
    ARCH_RED_ZONE_BYTES = 0
}; /* below the stack pointer, a function that calls nobody may use */

struct context {
    uintptr_t sp, pc, fp; /* sp, x30, x29 */
    uintptr_t x19[10];    /* x19 to x28 */
    uint64_t d8[8];       /* the low halves of v8 to v15: all that a call preserves of them */
    uint64_t fpcr;
    uintptr_t lr; /* of interrupted code, for the unwinder: a function without a frame keeps its
                     return address there. Switches leave it alone. */
};

_Static_assert(offsetof(struct context, sp) == CTX_SP, "arch/arm64/offsets.h");
_Static_assert(offsetof(struct context, pc) == CTX_PC, "arch/arm64/offsets.h");
_Static_assert(offsetof(struct context, fp) == CTX_FP, "arch/arm64/offsets.h");
_Static_assert(offsetof(struct context, x19) == CTX_X19, "arch/arm64/offsets.h");
_Static_assert(offsetof(struct context, d8) == CTX_D8, "arch/arm64/offsets.h");
_Static_assert(offsetof(struct context, fpcr) == CTX_FPCR, "arch/arm64/offsets.h");

#endif
