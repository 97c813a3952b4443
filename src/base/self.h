/* self.h: this thread's M.
 *
 * A goroutine may come back from a park on another thread, so the pointer must be read afresh after
 * every PARKS call. self() is an assembler read that the compiler can neither fold nor move out of a
 * loop. A thread the runtime does not know has `m_nobody`, whose `attention` is always set, so the
 * first runtime entry on it takes the slow path and reports.
 */
#ifndef BASE_SELF_H
#define BASE_SELF_H

#include "base/attr.h"

struct m;

extern __thread struct m *self_m __attribute__((tls_model("initial-exec"), visibility("hidden")));

#if defined(__x86_64__)
static inline struct m *self(void)
{
    struct m *m;
    __asm__ volatile("movq self_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(m));
    return m;
}
#elif defined(__aarch64__)
static inline struct m *self(void)
{
    struct m *m;
    uintptr_t tp;
    __asm__ volatile("mrs %1, tpidr_el0\n\t"
                     "adrp %0, :gottprel:self_m\n\t"
                     "ldr %0, [%0, #:gottprel_lo12:self_m]\n\t"
                     "ldr %0, [%1, %0]"
                     : "=&r"(m), "=&r"(tp));
    return m;
}
#else
#error "self.h: add the thread pointer of this architecture"
#endif

#endif
