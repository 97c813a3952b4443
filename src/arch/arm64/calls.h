/* calls.h: call instructions, arm64. */
#ifndef ARCH_ARM64_CALLS_H
#define ARCH_ARM64_CALLS_H

#include "base/attr.h"

#include <string.h>

enum { ARCH_CALL_BYTES = 4 };

/* `end` is behind ARCH_CALL_BYTES of code: BL, BLR, and BLR with a pointer to authenticate. */
static inline bool arch_is_call(const unsigned char *end)
{
    uint32_t op;
    memcpy(&op, end - ARCH_CALL_BYTES, sizeof op);
    return op >> 26 == 0x25 || (op & 0xFFFFFC1Fu) == 0xD63F0000u ||
           (op & 0xFEFFF800u) == 0xD63F0800u;
}

#endif
