/* switch.S: leaving one stack for another, x86-64.
 *
 * A call may destroy all but rbx rbp r12-r15 and the control bits of MXCSR and the x87 word, so
 * these and rsp are the whole context. The resume is an indirect jump: a `ret` to another stack's
 * address is always predicted wrong. The control words are loaded only when they differ: loading
 * MXCSR with other sticky flags costs more than the whole switch.
 */
#include "arch/amd64/keep.inc"
#include "arch/amd64/offsets.h"

#define MXCSR_CONTROL 0xffc0

        .text

/* Keeps the caller's context in \c; the return address is on the stack. Destroys rax rcx. */
.macro KEEP c
        KEEP_HELD \c
        stmxcsr CTX_MXCSR(\c)
        fnstcw  CTX_X87CW(\c)
.endm

/* Continues the context at rsi with eax = 1. */
.macro RESUME
        movq    CTX_FP(%rsi), %rbp
        movq    CTX_RBX(%rsi), %rbx
        movq    CTX_R12(%rsi), %r12
        movq    CTX_R13(%rsi), %r13
        movq    CTX_R14(%rsi), %r14
        movq    CTX_R15(%rsi), %r15
        movl    $1, %eax
        movq    CTX_SP(%rsi), %rsp
        jmpq    *CTX_PC(%rsi)
.endm

/* void arch_switch(struct context *from, const struct context *to)
 * in rdi = from, rsi = to. */
        .globl  arch_switch
        .hidden arch_switch
        .type   arch_switch, @function
        .balign 32
arch_switch:
        .cfi_startproc
        KEEP    %rdi
        movl    CTX_MXCSR(%rdi), %eax
        xorl    CTX_MXCSR(%rsi), %eax
        movzwl  CTX_X87CW(%rdi), %ecx
        xorw    CTX_X87CW(%rsi), %cx
        andl    $MXCSR_CONTROL, %eax
        orl     %ecx, %eax
        jnz     1f
        RESUME
1:      ldmxcsr CTX_MXCSR(%rsi)
        fldcw   CTX_X87CW(%rsi)
        RESUME
        .cfi_endproc
        .size   arch_switch, .-arch_switch

/* void arch_jump(const struct context *to)      in rdi = to. */
        .globl  arch_jump
        .hidden arch_jump
        .type   arch_jump, @function
arch_jump:
        .cfi_startproc
        movq    %rdi, %rsi
        ldmxcsr CTX_MXCSR(%rsi)
        fldcw   CTX_X87CW(%rsi)
        RESUME
        .cfi_endproc
        .size   arch_jump, .-arch_jump

/* int arch_save(struct context *c)              in rdi = c.
 * int gort_scope_save(struct gort_scope *s), which begins with a context, is its public name. */
        .globl  gort_scope_save
        .type   gort_scope_save, @function
        .globl  arch_save
        .hidden arch_save
        .type   arch_save, @function
gort_scope_save:
arch_save:
        .cfi_startproc
        KEEP    %rdi
        xorl    %eax, %eax
        ret
        .cfi_endproc
        .size   arch_save, .-arch_save
        .size   gort_scope_save, .-gort_scope_save

/* void arch_call_on(void *top, void (*fn)(void *), void *arg)
 * in rdi = top (16-byte aligned), rsi = fn, rdx = arg. */
        .globl  arch_call_on
        .hidden arch_call_on
        .type   arch_call_on, @function
arch_call_on:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        movq    %rdi, %rsp
        movq    %rdx, %rdi
        callq   *%rsi
        leave
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size   arch_call_on, .-arch_call_on

/* The first code of every goroutine; nothing is above it on its stack. */
        .globl  arch_start
        .hidden arch_start
        .type   arch_start, @function
arch_start:
        .cfi_startproc
        .cfi_undefined %rip
        xorl    %ebp, %ebp
        callq   g_begin
        movq    %rax, %rbx
        movq    START_ARG+0(%rbx), %rdi
        movq    START_ARG+8(%rbx), %rsi
        movq    START_ARG+16(%rbx), %rdx
        movq    START_ARG+24(%rbx), %rcx
        movq    START_ARG+32(%rbx), %r8
        movq    START_ARG+40(%rbx), %r9
        callq   *START_FN(%rbx)
        callq   g_end
        ud2
        .cfi_endproc
        .size   arch_start, .-arch_start

/* Where code that faulted goes on: arch_ucontext_call_fault pushed its rsp, rbp and rip. */
        .globl  arch_fault_entry
        .hidden arch_fault_entry
        .type   arch_fault_entry, @function
arch_fault_entry:
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa %rsp, 32
        .cfi_offset %rip, -8
        .cfi_offset %rbp, -16
        .cfi_offset %rsp, -24
        nop
        leaq    16(%rsp), %rbp
        callq   sched_fault
        ud2
        .cfi_endproc
        .size   arch_fault_entry, .-arch_fault_entry

        .section .note.GNU-stack, "", @progbits
