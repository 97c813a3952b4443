/* cpu.h: which instruction sets may be used, as GODEBUG=cpu.NAME=on|off says. */
#ifndef CONF_CPU_H
#define CONF_CPU_H

#include "base/attr.h"

enum cpu_feature {
#define CPU(name, builtin) CPU_##name,
#include "conf/cpu.def"
#undef CPU
    CPU_FEATURES
};

/* Reads the processor, then the cpu.* entries of `godebug`; complains on descriptor 2 in Go's words
 * about what it cannot do. */
void cpu_init(const char *godebug);
bool cpu_has(enum cpu_feature f);

#endif
