/* tls.h: where arm64 and glibc keep a thread's own memory.
 *
 *   control block (struct pthread) | two words | static thread-locals
 *                                  ^ thread pointer
 */
#ifndef ARCH_ARM64_TLS_H
#define ARCH_ARM64_TLS_H

#include <stddef.h>
#include <stdint.h>

enum {
    TLS_DTV_WORD = 0, /* the table of blocks: word 0 from the thread pointer */
    /* The control block, at most, where the C library does not say: */
    TLS_CONTROL_BEFORE = 1856,
    TLS_CONTROL_BEHIND = 16,
};

static inline uintptr_t arch_thread_pointer(void)
{
    uintptr_t tp;
    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(tp));
    return tp;
}

/* All of it. static_bytes is the C library's count, from the thread pointer on. */
static inline void arch_tls_bounds(uintptr_t tp, size_t static_bytes, size_t control_bytes,
                                   uintptr_t *lo, uintptr_t *hi)
{
    *lo = tp - control_bytes;
    *hi = tp + static_bytes;
}

/* The program's own: the first block behind two words. */
static inline void arch_tls_program(uintptr_t tp, size_t bytes, size_t align, uintptr_t *lo,
                                    uintptr_t *hi)
{
    size_t a = align < 16 ? 16 : align;
    *lo = tp + a;
    *hi = *lo + (bytes + 7) / 8 * 8;
}

#endif
