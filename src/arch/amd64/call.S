/* call.S: announcing a call that may block, x86-64.
 *
 * The caller's stack pointer and callee-saved registers are kept in the goroutine's context: the
 * collector finds there what the caller holds while the call lasts. In assembly, because a C function
 * would keep some of them in its own frame, which is gone when the call begins.
 */
#include "arch/amd64/offsets.h"

        .text

/* Keeps sp, pc and the callee-saved registers of the caller in \c. Destroys rax rcx. */
.macro KEEP_HELD c
        movq    (%rsp), %rax
        leaq    8(%rsp), %rcx
        movq    %rax, CTX_PC(\c)
        movq    %rcx, CTX_SP(\c)
        movq    %rbp, CTX_FP(\c)
        movq    %rbx, CTX_RBX(\c)
        movq    %r12, CTX_R12(\c)
        movq    %r13, CTX_R13(\c)
        movq    %r14, CTX_R14(\c)
        movq    %r15, CTX_R15(\c)
.endm

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
        .balign 32
gort_enter_syscall:
sched_enter_syscall:
        .cfi_startproc
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
        .cfi_endproc
        .size   sched_enter_syscall, .-sched_enter_syscall
        .size   gort_enter_syscall, .-gort_enter_syscall

        .section .note.GNU-stack, "", @progbits
