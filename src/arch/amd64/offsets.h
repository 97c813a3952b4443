/* offsets.h: of struct context, struct start, for switch.S and call.S; checked in context.h and entry.c. */
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

/* struct m and enum attention; checked in sched/syscall.c */
#define M_LOCKS      0
#define M_ATTENTION  4
#define M_CURG       16
#define M_ANNOUNCED  24
#define M_ATT_NOBODY 16
#define M_ATT_CALL   160 /* ATT_SIGNAL | ATT_BARRIER */

#define M_PROBE_TRACE 1 /* base/probe.h */
/* Bytes of gort_skip_please_use_callers_frames. */
#define ARCH_SKIP_MARKERS 64

#endif
