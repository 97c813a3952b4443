/* loaded.h: a module as dl_iterate_phdr shows it. */
#ifndef OS_LOADED_H
#define OS_LOADED_H

#include "base/attr.h"

#include <elf.h>
#include <link.h>

/* Is all of [lo, lo + n) in one segment of it that has these rights (PF_*)? */
static inline bool loaded_holds(const struct dl_phdr_info *module, uintptr_t lo, size_t n,
                                unsigned rights)
{
    for (int i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &module->dlpi_phdr[i];
        uintptr_t begin = module->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && (ph->p_flags & rights) == rights && lo >= begin &&
            lo - begin < ph->p_memsz && n <= ph->p_memsz - (lo - begin))
            return true;
    }
    return false;
}

#endif
