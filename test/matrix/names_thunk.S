/* names_thunk.S: a call through assembly, with the frame of its processor's habit. */
        .text
        .globl  through_assembly
        .type   through_assembly, %function
through_assembly:
        .cfi_startproc
#if defined(__x86_64__)
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        call    *%rdi
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        ret
#else
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        blr     x0
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa sp, 0
        .cfi_restore x29
        .cfi_restore x30
        ret
#endif
        .cfi_endproc
        .size   through_assembly, .-through_assembly
        .section .note.GNU-stack, "", %progbits
