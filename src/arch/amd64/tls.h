/* tls.h: where x86-64 and glibc keep a thread's own memory.
 *
 *   static thread-locals | control block (struct pthread)
 *                        ^ thread pointer
 */
#ifndef ARCH_AMD64_TLS_H
#define ARCH_AMD64_TLS_H

#include <stddef.h>
#include <stdint.h>

enum {
    TLS_DTV_WORD = 1, /* the table of blocks: word 1 from the thread pointer */
    /* The control block, at most, where the C library does not say: */
    TLS_CONTROL_BEFORE = 0,
    TLS_CONTROL_BEHIND = 2304,
};

static inline uintptr_t arch_thread_pointer(void)
{
    uintptr_t tp;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(tp)); /* its first word points to itself */
    return tp;
}

/* All of it. static_bytes is the C library's count, which contains the control block. */
static inline void arch_tls_bounds(uintptr_t tp, size_t static_bytes, size_t control_bytes,
                                   uintptr_t *lo, uintptr_t *hi)
{
    *hi = tp + control_bytes;
    *lo = *hi - static_bytes;
}

/* The program's own: the first block below. */
static inline void arch_tls_program(uintptr_t tp, size_t bytes, size_t align, uintptr_t *lo,
                                    uintptr_t *hi)
{
    size_t a = align < 8 ? 8 : align;
    *lo = tp - (bytes + a - 1) / a * a;
    *hi = tp;
}

#endif
