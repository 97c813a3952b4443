/* call.S: announcing a call that may block, arm64.
 *
 * The caller's stack pointer and callee-saved registers are kept in the goroutine's context: the
 * collector finds there what the caller holds while the call lasts. In assembly, because a C function
 * would keep some of them in its own frame, which is gone when the call begins.
 */
#include "arch/arm64/keep.inc"
#include "arch/arm64/offsets.h"
#include "base/usdt.h"

        .text

/* void arch_keep(struct context *c)             in x0 = c. */
        .globl  arch_keep
        .hidden arch_keep
        .type   arch_keep, %function
arch_keep:
        .cfi_startproc
        KEEP_HELD 0
        ret
        .cfi_endproc
        .size   arch_keep, .-arch_keep

/* void sched_enter_syscall(void)
 * void gort_enter_syscall(void), its public name.
 * The context is left alone inside the runtime (locks > 0): a switch may be under way. */
        .globl  gort_enter_syscall
        .type   gort_enter_syscall, %function
        .globl  sched_enter_syscall
        .hidden sched_enter_syscall
        .type   sched_enter_syscall, %function
        .hidden sched_announced
        .hidden self_m
        .hidden probes
        .hidden sched_trace_call
        .balign 32
gort_enter_syscall:
sched_enter_syscall:
        .cfi_startproc
        adrp    x9, probes
        ldr     w9, [x9, #:lo12:probes]
        tbnz    w9, #0, 3f
0:      USDT_HERE syscall_begin
        mrs     x9, tpidr_el0
        adrp    x0, :gottprel:self_m
        ldr     x0, [x0, #:gottprel_lo12:self_m]
        ldr     x0, [x9, x0]
        ldr     w10, [x0, #M_ATTENTION]
        tst     w10, #M_ATT_NOBODY
        b.ne    2f
        ldr     w10, [x0, #M_LOCKS]
        cbnz    w10, 1f
        ldr     x1, [x0, #M_CURG]
        KEEP_HELD 1
1:      add     x9, x0, #M_ANNOUNCED
        ldr     w10, [x9]
        add     w10, w10, #1
        stlr    w10, [x9] /* who sees it sees the context */
        ldr     w10, [x0, #M_ATTENTION]
        mov     w11, #M_ATT_CALL
        tst     w10, w11
        b.ne    sched_announced
2:      ret
3:      stp     x29, x30, [sp, #-16]!
        .cfi_adjust_cfa_offset 16
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        mov     x29, sp
        bl      sched_trace_call
        ldp     x29, x30, [sp], #16
        .cfi_adjust_cfa_offset -16
        .cfi_restore x29
        .cfi_restore x30
        b       0b
        .cfi_endproc
        .size   sched_enter_syscall, .-sched_enter_syscall
        .size   gort_enter_syscall, .-gort_enter_syscall

/* Never run: addresses in it say how many inlined calls gort_callers left out (symb/backtrace.c). In the
 * text, so that who asks for a name gets one that tells what to do. */
        .globl  gort_skip_please_use_callers_frames
        .hidden gort_skip_please_use_callers_frames
        .type   gort_skip_please_use_callers_frames, %function
gort_skip_please_use_callers_frames:
        .fill   ARCH_SKIP_MARKERS / 4, 4, 0xd503201f
        .size   gort_skip_please_use_callers_frames, .-gort_skip_please_use_callers_frames

        .section .note.GNU-stack, "", %progbits
