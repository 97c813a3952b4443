/* frame.h: a context in the words of unwind tables: registers by DWARF's numbers. */
#ifndef ARCH_FRAME_H
#define ARCH_FRAME_H

#include "arch/arch.h"

#include <ucontext.h>

#if defined(__x86_64__)
#include "arch/amd64/frame.h"
#elif defined(__aarch64__)
#include "arch/arm64/frame.h"
#endif

#endif
