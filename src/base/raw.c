/* raw.c: memcpy and its kin, for memory that ThreadSanitizer is not to know of.
 *
 * In a program that was linked with -fsanitize=thread these names of libc's are the tool's, which notes each
 * access. The library's own structs are ordered by locks and atomics that the tool does not see: it would
 * report them. So the library is joined with --wrap for each (Makefile), and what it calls ends here.
 *
 * Instead of loops everywhere: elsewhere it costs a test, and libc's are the fastest there are.
 */
#include "base/track.h"

#include <string.h>

void *__wrap_memcpy(void *dst, const void *src, size_t n);
void *__wrap_memmove(void *dst, const void *src, size_t n);
void *__wrap_memset(void *dst, int byte, size_t n);
void *__real_memcpy(void *dst, const void *src, size_t n);
void *__real_memmove(void *dst, const void *src, size_t n);
void *__real_memset(void *dst, int byte, size_t n);

/* A byte at a time, in a way that the compiler does not see through. */
static COLD void *copy_up(void *dst, const void *src, size_t n)
{
    char *d = dst;
    for (const char *s = src; n > 0; n--) {
        *d++ = *s++;
        compiler_barrier();
    }
    return dst;
}

static COLD void *copy_down(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;
    while (n-- > 0) {
        d[n] = s[n];
        compiler_barrier();
    }
    return dst;
}

static COLD void *fill(void *dst, int byte, size_t n)
{
#if defined(__x86_64__)
    void *d = dst;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
#else
    for (char *d = dst; n > 0; n--) {
        *d++ = (char)byte;
        compiler_barrier();
    }
#endif
    return dst;
}

void *__wrap_memcpy(void *dst, const void *src, size_t n)
{
    return track_is(TRACK_RACES) ? copy_up(dst, src, n) : __real_memcpy(dst, src, n);
}

void *__wrap_memmove(void *dst, const void *src, size_t n)
{
    if (!track_is(TRACK_RACES))
        return __real_memmove(dst, src, n);
    return (uintptr_t)dst <= (uintptr_t)src ? copy_up(dst, src, n) : copy_down(dst, src, n);
}

void *__wrap_memset(void *dst, int byte, size_t n)
{
    return track_is(TRACK_RACES) ? fill(dst, byte, n) : __real_memset(dst, byte, n);
}
