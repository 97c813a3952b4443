/* calls.h: does a call instruction end at an address? For return addresses, from bytes of code. */
#ifndef ARCH_CALLS_H
#define ARCH_CALLS_H

#if defined(__x86_64__)
#include "arch/amd64/calls.h"
#elif defined(__aarch64__)
#include "arch/arm64/calls.h"
#endif

#endif
