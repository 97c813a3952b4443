/* switch.S: leaving one stack for another, arm64.
 *
 * A call preserves x19-x28, x29 (the frame pointer), sp and the low halves of v8-v15; these, the
 * return address and FPCR are the whole context. FPCR is written only when it differs.
 */
#include "arch/arm64/keep.inc"
#include "arch/arm64/offsets.h"

        .text

/* Keeps the caller's context in x\c. Destroys x9. */
.macro KEEP c
        KEEP_HELD \c
        mrs     x9, fpcr
        str     x9, [x\c, #CTX_FPCR]
.endm

/* Continues the context at x1 with w0 = 1; x9 is the FPCR in force. */
.macro RESUME
        ldr     x10, [x1, #CTX_FPCR]
        cmp     x9, x10
        b.eq    9f
        msr     fpcr, x10
9:      ldp     x19, x20, [x1, #CTX_X19]
        ldp     x21, x22, [x1, #CTX_X19 + 16]
        ldp     x23, x24, [x1, #CTX_X19 + 32]
        ldp     x25, x26, [x1, #CTX_X19 + 48]
        ldp     x27, x28, [x1, #CTX_X19 + 64]
        ldp     d8, d9, [x1, #CTX_D8]
        ldp     d10, d11, [x1, #CTX_D8 + 16]
        ldp     d12, d13, [x1, #CTX_D8 + 32]
        ldp     d14, d15, [x1, #CTX_D8 + 48]
        ldr     x29, [x1, #CTX_FP]
        ldp     x10, x30, [x1, #CTX_SP]
        mov     sp, x10
        mov     w0, #1
        br      x30
.endm

/* void arch_switch(struct context *from, const struct context *to)    x0 = from, x1 = to. */
        .globl  arch_switch
        .hidden arch_switch
        .type   arch_switch, %function
        .balign 32
arch_switch:
        .cfi_startproc
        KEEP    0
        RESUME
        .cfi_endproc
        .size   arch_switch, .-arch_switch

/* void arch_jump(const struct context *to)                            x0 = to. */
        .globl  arch_jump
        .hidden arch_jump
        .type   arch_jump, %function
arch_jump:
        .cfi_startproc
        mov     x1, x0
        mrs     x9, fpcr
        RESUME
        .cfi_endproc
        .size   arch_jump, .-arch_jump

/* int arch_save(struct context *c)                                    x0 = c.
 * int gort_scope_save(struct gort_scope *s), which begins with a context, is its public name. */
        .globl  gort_scope_save
        .type   gort_scope_save, %function
        .globl  arch_save
        .hidden arch_save
        .type   arch_save, %function
gort_scope_save:
arch_save:
        .cfi_startproc
        KEEP    0
        mov     w0, #0
        ret
        .cfi_endproc
        .size   arch_save, .-arch_save
        .size   gort_scope_save, .-gort_scope_save

/* void arch_call_on(void *top, void (*fn)(void *), void *arg)
 * x0 = top (16-byte aligned), x1 = fn, x2 = arg. */
        .globl  arch_call_on
        .hidden arch_call_on
        .type   arch_call_on, %function
arch_call_on:
        .cfi_startproc
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        mov     sp, x0
        mov     x0, x2
        blr     x1
        mov     sp, x29
        .cfi_def_cfa_register sp
        ldp     x29, x30, [sp], #16
        .cfi_restore x29
        .cfi_restore x30
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        .size   arch_call_on, .-arch_call_on

/* The first code of every goroutine; nothing is above it on its stack. */
        .globl  arch_start
        .hidden arch_start
        .type   arch_start, %function
arch_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        bl      g_begin
        mov     x19, x0
        ldp     x0, x1, [x19, #START_ARG]
        ldp     x2, x3, [x19, #START_ARG + 16]
        ldp     x4, x5, [x19, #START_ARG + 32]
        ldr     x9, [x19, #START_FN]
        blr     x9
        bl      g_end
        brk     #1
        .cfi_endproc
        .size   arch_start, .-arch_start

/* Where code that faulted goes on: arch_ucontext_call_fault pushed its x29, pc and sp. */
        .globl  arch_fault_entry
        .hidden arch_fault_entry
        .type   arch_fault_entry, %function
arch_fault_entry:
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa sp, 32
        .cfi_offset x29, -32
        .cfi_offset x30, -24
        nop
        mov     x29, sp
        bl      sched_fault
        brk     #1
        .cfi_endproc
        .size   arch_fault_entry, .-arch_fault_entry

        .section .note.GNU-stack, "", %progbits
