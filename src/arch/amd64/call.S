/* call.S: announcing a call that may block, x86-64.
 *
 * The caller's stack pointer and callee-saved registers are kept in the goroutine's context: the
 * collector finds there what the caller holds while the call lasts. In assembly, because a C function
 * would keep some of them in its own frame, which is gone when the call begins.
 */
#include "arch/amd64/keep.inc"
#include "arch/amd64/offsets.h"
#include "base/usdt.h"

        .text

/* void arch_keep(struct context *c)             in rdi = c. */
        .globl  arch_keep
        .hidden arch_keep
        .type   arch_keep, @function
arch_keep:
        .cfi_startproc
        KEEP_HELD %rdi
        ret
        .cfi_endproc
        .size   arch_keep, .-arch_keep

/* void sched_enter_syscall(void)
 * void gort_enter_syscall(void), its public name.
 * The context is left alone inside the runtime (locks > 0): a switch may be under way. */
        .globl  gort_enter_syscall
        .type   gort_enter_syscall, @function
        .globl  sched_enter_syscall
        .hidden sched_enter_syscall
        .type   sched_enter_syscall, @function
        .hidden sched_announced
        .hidden self_m
        .hidden probes
        .hidden sched_trace_call
        .balign 32
gort_enter_syscall:
sched_enter_syscall:
        .cfi_startproc
        testl   $M_PROBE_TRACE, probes(%rip)
        jnz     3f
0:      USDT_HERE syscall_begin
        movq    self_m@gottpoff(%rip), %rax
        movq    %fs:(%rax), %rdi
        testl   $M_ATT_NOBODY, M_ATTENTION(%rdi)
        jnz     2f
        cmpl    $0, M_LOCKS(%rdi)
        jne     1f
        movq    M_CURG(%rdi), %rsi
        KEEP_HELD %rsi
1:      incl    M_ANNOUNCED(%rdi)
        testl   $M_ATT_CALL, M_ATTENTION(%rdi)
        jnz     sched_announced
2:      ret
3:      pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        movq    %rsp, %rbp
        call    sched_trace_call
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        jmp     0b
        .cfi_endproc
        .size   sched_enter_syscall, .-sched_enter_syscall
        .size   gort_enter_syscall, .-gort_enter_syscall

/* Never run: addresses in it say how many inlined calls gort_callers left out (symb/backtrace.c). In the
 * text, so that who asks for a name gets one that tells what to do. */
        .globl  gort_skip_please_use_callers_frames
        .hidden gort_skip_please_use_callers_frames
        .type   gort_skip_please_use_callers_frames, @function
gort_skip_please_use_callers_frames:
        .fill   ARCH_SKIP_MARKERS, 1, 0x90
        .size   gort_skip_please_use_callers_frames, .-gort_skip_please_use_callers_frames

        .section .note.GNU-stack, "", @progbits
