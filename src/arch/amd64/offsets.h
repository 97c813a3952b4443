/* offsets.h: of struct context, struct start, for switch.S; checked in context.h and entry.c. */
#ifndef ARCH_AMD64_OFFSETS_H
#define ARCH_AMD64_OFFSETS_H

#define CTX_SP    0
#define CTX_PC    8
#define CTX_FP    16
#define CTX_RBX   24
#define CTX_R12   32
#define CTX_R13   40
#define CTX_R14   48
#define CTX_R15   56
#define CTX_MXCSR 64
#define CTX_X87CW 68

#define START_FN  0
#define START_ARG 8

#endif
