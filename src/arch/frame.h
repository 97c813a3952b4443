/* frame.h: a context in the words of the unwinder: the system's ucontext and DWARF's register
 * numbers. ARCH_DWARF_FP is the frame pointer's; ARCH_FAULT_CFA the distance from the frame pointer
 * to the CFA of arch_fault_entry. */
#ifndef ARCH_FRAME_H
#define ARCH_FRAME_H

#include "arch/arch.h"

#include <ucontext.h>

/* Register number `reg` of DWARF, from whoever unwinds. */
typedef uintptr_t (*arch_register_fn)(void *arg, int reg);

#if defined(__x86_64__)
#include "arch/amd64/frame.h"
#elif defined(__aarch64__)
#include "arch/arm64/frame.h"
#endif

#endif
