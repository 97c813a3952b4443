/* jit.h: machine code that no file describes. jit_call(fn, arg) calls fn(arg) from it. */
#include <string.h>
#include <sys/mman.h>

typedef void (*jit_fn)(void (*fn)(void *), void *arg);
static unsigned char *jit_code;
enum { JIT_BYTES = 4096 };

#if defined(__x86_64__)
/* push rbp; mov rbp, rsp; mov rax, rdi; mov rdi, rsi; call rax; pop rbp; ret */
static const unsigned char jit_with_frame[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8,
                                               0x48, 0x89, 0xf7, 0xff, 0xd0, 0x5d, 0xc3};
/* push rbp; xor ebp, ebp; mov rax, rdi; mov rdi, rsi; call rax; pop rbp; ret */
static const unsigned char jit_without_frame[] = {0x55, 0x31, 0xed, 0x48, 0x89, 0xf8, 0x48,
                                                  0x89, 0xf7, 0xff, 0xd0, 0x5d, 0xc3};
enum { JIT_CALL_AT = 10, JIT_CALL_AT_WITHOUT = 9 };
#else
/* stp x29, x30, [sp, #-16]!; mov x29, sp; mov x2, x0; mov x0, x1; blr x2; ldp x29, x30, [sp], #16; ret */
static const unsigned int jit_with_frame[] = {0xa9bf7bfd, 0x910003fd, 0xaa0003e2, 0xaa0103e0,
                                              0xd63f0040, 0xa8c17bfd, 0xd65f03c0};
/* the same with mov x29, #0 */
static const unsigned int jit_without_frame[] = {0xa9bf7bfd, 0xd280001d, 0xaa0003e2, 0xaa0103e0,
                                                 0xd63f0040, 0xa8c17bfd, 0xd65f03c0};
enum { JIT_CALL_AT = 16, JIT_CALL_AT_WITHOUT = 16 };
#endif

static inline jit_fn jit_make(const void *code, size_t n)
{
    jit_fn fn;
    jit_code = mmap(NULL, JIT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(jit_code, code, n);
    mprotect(jit_code, JIT_BYTES, PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)jit_code, (char *)jit_code + JIT_BYTES);
    memcpy(&fn, &jit_code, sizeof fn);
    return fn;
}
