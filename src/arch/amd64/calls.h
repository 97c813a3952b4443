/* calls.h: call instructions, x86-64. */
#ifndef ARCH_AMD64_CALLS_H
#define ARCH_AMD64_CALLS_H

#include "base/attr.h"

enum { ARCH_CALL_BYTES = 7 }; /* the longest, without prefixes */

/* Bytes of FF /2 with this ModRM and SIB; 0: it is not that. */
static inline unsigned arch_indirect_call_bytes(unsigned char modrm, unsigned char sib)
{
    unsigned mod = modrm >> 6, rm = modrm & 7, n = 2;
    if ((modrm >> 3 & 7) != 2)
        return 0;
    if (mod == 3)
        return n;
    n += rm == 4;
    if (mod == 1)
        return n + 1;
    if (mod == 2 || rm == 5 || (rm == 4 && (sib & 7) == 5))
        return n + 4;
    return n;
}

/* `end` is behind ARCH_CALL_BYTES of code. */
static inline bool arch_is_call(const unsigned char *end)
{
    if (end[-5] == 0xE8)
        return true;
    for (unsigned n = 2; n <= ARCH_CALL_BYTES; n++)
        if (end[-(int)n] == 0xFF &&
            arch_indirect_call_bytes(end[1 - (int)n], n > 2 ? end[2 - (int)n] : 0) == n)
            return true;
    return false;
}

#endif
